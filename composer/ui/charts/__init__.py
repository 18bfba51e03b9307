"""What the page draws: one chart a file, each with a `draw` from values to escaped HTML."""
