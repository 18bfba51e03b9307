"""Encoder and index: from a question to its nearest training examples."""
