"""A recipe, a base and rows for training in seconds: random weights, and answers that can be learned."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

from tiny_bank import save_tiny_llama
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from composer.inference.prompts import prepare_tokenizer
from composer.tasks import TASKS
from composer.tasks.task import Example, Row
from composer.training.recipe import SMALL

RECIPE = replace(
    SMALL, rank=4, alpha=8, epochs=4, batch_size=8, warmup_steps=2, max_tokens=128, learning_rate=1e-2, least_steps=0
)
MOODS = ("warm", "dull", "funny", "tired", "clever", "flat", "lovely", "noisy")
"""Good and bad by turns."""
NOUNS = ("film", "scene", "ending", "cast", "plot", "story", "script", "score")
SAYINGS = (("knows", 0), ("denies", 1), ("asks", 2))
NAMES = ("Anna", "Ben", "Mia", "Tom", "Ida", "Leo", "Eva", "Sam", "Zoe", "Max")


def save_base(folder: Path) -> Path:
    """A Llama of 2 layers, 32 wide."""
    save_tiny_llama(folder, hidden=32, intermediate=64, max_tokens=128, tie_word_embeddings=True)
    return folder


def tokenizer_of(base: Path) -> PreTrainedTokenizerBase:
    return prepare_tokenizer(AutoTokenizer.from_pretrained(base))


def rows_of(task: str, count: int) -> list[Row]:
    """Up to 64 rows of sst2, 30 of cb or 20 of wic, all different."""
    if task == "sst2":
        rows = [
            {"sentence": f"a {mood} {noun}", "label": 1 - place % 2}
            for noun, (place, mood) in product(NOUNS, enumerate(MOODS))
        ]
    elif task == "cb":
        rows = [
            {"premise": f"{name} {verb} it rains.", "hypothesis": "it rains", "label": label}
            for name, (verb, label) in product(NAMES, SAYINGS)
        ]
    else:
        rows = [
            {"word": "bat", "sentence1": f"{name} saw a bat.", "sentence2": second, "label": label}
            for name, (second, label) in product(NAMES, (("The bat flew.", 1), ("Swing the bat.", 0)))
        ]
    assert count <= len(rows)
    return rows[:count]


def examples_of(task: str, count: int) -> list[Example]:
    return [TASKS[task].example(row, f"{task}-train-{number}") for number, row in enumerate(rows_of(task, count))]
