"""Answer options as the page names them: a letter each, and as few words as tell them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import takewhile

from composer.ui.markup import shortened

LONG = 30
"""Characters; what is longer has no room beside its bar."""
SEVERAL = 3
"""Words that all options begin with, from which on they say nothing: "a dog" and "a cat" are read whole."""


def letter(number: int) -> str:
    return chr(ord("A") + number)


def telling(options: Sequence[str], limit: int = LONG) -> tuple[str, ...]:
    """Without the words that all options begin with, where one is longer than `limit` characters."""
    if all(len(option) <= limit for option in options):
        return tuple(options)
    return _without_beginning(options)


def short(options: Sequence[str], limit: int = LONG) -> tuple[str, ...]:
    """At most `limit` characters each, cut where it does not matter: those that would look the same begin where they
    differ."""
    texts = telling(options, limit)
    cut = [shortened(text, limit) for text in texts]
    shown = list(cut)
    for look, times in Counter(cut).items():
        alike = [i for i, text in enumerate(cut) if text == look]
        if times > 1:
            parts = _without_beginning([texts[i] for i in alike], several=1)
            for i, part in zip(alike, parts, strict=True):
                shown[i] = shortened(part, limit)
    return tuple(shown)


def _without_beginning(options: Sequence[str], several: int = SEVERAL) -> tuple[str, ...]:
    words = [option.split() for option in options]
    shared = sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, zip(*words, strict=False)))
    shared = min(shared, *(len(of_one) - 1 for of_one in words))  # every option keeps a word
    return tuple(options) if shared < several else tuple("… " + " ".join(of_one[shared:]) for of_one in words)
