"""What stands around the page: start, server, guard, health, log, who is there, files made for a visitor."""
