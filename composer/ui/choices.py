"""The form's choices: what each of its radio buttons and checkboxes stands for, with the words beside it."""

from __future__ import annotations

from composer.config import NORMALIZATIONS
from composer.merging import METHODS
from composer.routing import KERNELS

_NORMALIZATION_WORDS = {
    "tokens": "per token",
    "sum": "plain sum",
    "bytes": "per byte",
    "pmi": "less that without the question (PMI)",
    "harness": "as lm-evaluation-harness",
}

CHOICES: dict[str, dict[str, str]] = {
    "kernel": {name: f"{kernel.title}: {kernel.formula}" for name, kernel in KERNELS.items()},
    "majority_sign": {"frequency": "by count", "total": "by sum"},
    "normalization": {name: _NORMALIZATION_WORDS[name] for name in NORMALIZATIONS},
    "methods": {name: method.title for name, method in METHODS.items()},
}
"""{field: {value: words}}, fields by the names of `Inputs`."""


def offered(field: str) -> list[tuple[str, str]]:
    """As Gradio takes them."""
    return [(words, value) for value, words in CHOICES[field].items()]
