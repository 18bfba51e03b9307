"""Merging against PEFT, and against full matrices."""
