"""Hosting on Hugging Face Spaces: Spacefile -> README front matter, plan, deployed Space."""
