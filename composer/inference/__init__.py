"""The base model and the batched scoring of options under many merges at once."""
