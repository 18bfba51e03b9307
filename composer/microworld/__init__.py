"""The seeded generator of the embedded bank's examples."""
