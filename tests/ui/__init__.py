"""The page: what it draws (fast), and the page in a browser."""
