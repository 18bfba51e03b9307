"""Tasks by strategies on a bank's test rows, and the tables that come of it."""
