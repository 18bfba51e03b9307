"""Strategies and methods over the tasks' test rows."""
