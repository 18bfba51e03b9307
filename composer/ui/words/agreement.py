"""How many methods agree, in a few words: what the gallery says of a case."""

from __future__ import annotations

from collections import defaultdict

from composer.types import Trace

NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve")


def groups(trace: Trace, methods: tuple[str, ...]) -> list[tuple[int, tuple[str, ...]]]:
    """(option, the methods that chose it), the largest group first, then in the order of the options."""
    chosen: dict[int, list[str]] = defaultdict(list)
    for prediction in trace.predictions:
        if prediction.method in methods:
            chosen[prediction.chosen].append(prediction.method)
    return sorted(((option, tuple(names)) for option, names in chosen.items()), key=lambda g: (-len(g[1]), g[0]))


def verdict(trace: Trace, methods: tuple[str, ...]) -> str:
    """The agreement in words."""
    found = groups(trace, methods)
    total = sum(len(names) for _, names in found)
    if not found:
        return "No method answered"
    most = len(found[0][1])
    if total == 1:
        return "One method answered"
    if most == total:
        return "Both agree" if total == 2 else f"All {_number(total).lower()} agree"
    if most == 1:
        return "They all disagree"
    if len(found) > 1 and len(found[1][1]) == most:
        return "They are split"
    return f"{_number(most)} of {_number(total).lower()} agree"


def _number(count: int) -> str:
    return NUMBERS[count] if count < len(NUMBERS) else str(count)
