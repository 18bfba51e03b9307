"""Banks on disk: description, checks, adapters read lazily and written in PEFT's format, examples."""
