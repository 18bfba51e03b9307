"""Answer options as the page names them: a letter each, and as few words as tell them apart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

LONG = 30
"""Characters; what is longer has no room beside its bar."""


def letter(number: int) -> str:
    return chr(ord("A") + number)


def telling(options: Sequence[str]) -> tuple[str, ...]:
    """Without the words that all options begin with, where one is too long to be shown whole."""
    words = [option.split() for option in options]
    shared = sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, zip(*words, strict=False)))
    shared = min(shared, *(len(of_one) - 1 for of_one in words))  # every option keeps a word
    if shared < 1 or all(len(option) <= LONG for option in options):
        return tuple(options)
    return tuple("… " + " ".join(of_one[shared:]) for of_one in words)
