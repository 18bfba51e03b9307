"""How sure an answer is, in whole per cent: what is shown adds up, and the lead is the difference of what is shown."""

from __future__ import annotations

import math
from collections.abc import Sequence

THIN = "\u202f"


def shown(probabilities: Sequence[float]) -> tuple[str, ...]:
    """The shares of one answer; never 0 % or 100 % for what is only near."""
    return tuple(_text(p, whole) for p, whole in zip(probabilities, whole_shares(probabilities), strict=True))


def whole_shares(probabilities: Sequence[float]) -> tuple[int, ...]:
    """Per cent that add up to 100 (largest remainders). Equal ones stay equal, where it then takes a sum of 99."""
    exact = [100 * p for p in probabilities]
    floors = [math.floor(value) for value in exact]
    order = sorted(range(len(exact)), key=lambda i: (floors[i] - exact[i], i))
    raised = order[: round(sum(exact)) - sum(floors)]
    left = {exact[i] for i in order[len(raised) :]}
    return tuple(floor + (i in raised and exact[i] not in left) for i, floor in enumerate(floors))


def lead(probabilities: Sequence[float]) -> str:
    """Of the first over the second, in percentage points of what `shown` shows."""
    first, second = sorted(range(len(probabilities)), key=lambda i: -probabilities[i])[:2]
    whole = whole_shares(probabilities)
    points = whole[first] - whole[second]
    if probabilities[first] == probabilities[second]:
        return "a tie"
    if points == 0:
        return "under 1 point"
    if points >= 99 and probabilities[first] < 1:
        return "over 98 points"
    return f"{points} point{'' if points == 1 else 's'}"


def _text(probability: float, whole: int) -> str:
    if probability > 0 and whole == 0:
        return f"<1{THIN}%"
    if probability < 1 and whole == 100:
        return f">99{THIN}%"
    return f"{whole}{THIN}%"
