"""The base model, prompts and batched scoring."""
