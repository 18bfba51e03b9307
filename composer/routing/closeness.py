"""How close a question is to a bank's examples, by its nearest one, and a warning where that says little of it."""

from __future__ import annotations

from collections.abc import Sequence

from composer.types import Neighbour

FAR = 0.35
"""Cosine similarity of the nearest example. On development questions it divides best: 11 % of them lie below, and 88 %
of questions from elsewhere (other languages, code, formulas, mashed keys)."""
LOOSE = 0.42
"""Below it lie 36 % of the development questions, and all but one of those 40 questions from elsewhere."""


def warning(neighbours: Sequence[Neighbour]) -> str:
    """In one or two sentences; "" where the nearest example is near. They come nearest first."""
    if not neighbours or neighbours[0].similarity >= LOOSE:
        return ""
    nearest = f"{neighbours[0].similarity:.3f}"
    if neighbours[0].similarity < FAR:
        return (
            f"Nothing in this bank is close to your question: the nearest example has a similarity of {nearest}."
            " The weights and the answers may mean nothing."
        )
    return (
        f"The nearest example is only loosely close, with a similarity of {nearest}: a third of these tasks' real"
        " questions are as far away, and so is nearly every question about something else. Look at the neighbours"
        " before you trust the answers."
    )
