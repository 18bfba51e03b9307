"""A recipe for tests, and the tokenizer of a base."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from composer.inference.prompts import prepare_tokenizer
from composer.training.recipe import EMBEDDED

RECIPE = replace(EMBEDDED, rank=4, alpha=8, epochs=4, batch_size=8, warmup_steps=2, max_tokens=128, learning_rate=1e-2)


def tokenizer_of(base: Path) -> PreTrainedTokenizerBase:
    return prepare_tokenizer(AutoTokenizer.from_pretrained(base))
