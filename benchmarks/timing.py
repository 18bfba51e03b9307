"""Times of several sides, taken in turns: what else the machine does in a minute meets all of them alike."""

from __future__ import annotations

import gc
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

CleanUp = Callable[[], object]
Side = Callable[[], CleanUp | None]
"""What is timed. What it returns, if anything, is called afterwards and outside of the time."""
Rounds = Callable[[int, int], None]
"""Called with (rounds done, rounds in all)."""


@dataclass(frozen=True)
class Times:
    ms: tuple[float, ...]
    """One per round, in order: the same place in two sides' times belongs to the same round."""

    @property
    def median(self) -> float:
        return statistics.median(self.ms)

    @property
    def spread(self) -> tuple[float, float]:
        """First and third quartile."""
        return quartiles(self.ms)

    def __add__(self, other: Times) -> Times:
        return Times(tuple(a + b for a, b in zip(self.ms, other.ms, strict=True)))


def interleaved(
    sides: Mapping[str, Side],
    rounds: int,
    *,
    warmup: int = 1,
    before: Callable[[], object] = lambda: None,
    settle: Callable[[], object] = lambda: None,
    progress: Rounds = lambda done, total: None,
    within_s: float = math.inf,
) -> dict[str, Times]:
    """Every side once per round, in turning order. `before` is not timed; `settle` is (it waits for a GPU).

    No round begins later than `within_s` seconds after the start, but for the first, which is always measured.
    """
    taken: dict[str, list[float]] = {name: [] for name in sides}
    names, begun = list(sides), perf_counter()
    for number in range(-warmup, rounds):
        if number > 0 and perf_counter() - begun > within_s:
            break
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            before()
            milliseconds = _timed(sides[name], settle)
            if number >= 0:
                taken[name].append(milliseconds)
        progress(max(0, number + 1), rounds)
    return {name: Times(tuple(ms)) for name, ms in taken.items()}


def _timed(side: Side, settle: Callable[[], object]) -> float:
    gc.collect()  # so that no side pays for another's garbage
    started = perf_counter()
    clean_up = side()
    settle()
    elapsed = (perf_counter() - started) * 1000
    if clean_up is not None:
        clean_up()
    return elapsed


def versus(ours: Times, peft: Times) -> dict[str, object]:
    """Medians and their ratio, with quartiles; those of the ratio are of the rounds' own ratios."""
    return {
        "ours_ms": round(ours.median, 3),
        "peft_ms": round(peft.median, 3),
        "ratio": round(peft.median / ours.median, 2),
        "ours_spread_ms": _rounded(ours.spread),
        "peft_spread_ms": _rounded(peft.spread),
        "ratio_spread": _rounded(quartiles([b / a for a, b in zip(ours.ms, peft.ms, strict=True)])),
        "rounds": len(ours.ms),
    }


def alone(ours: Times, least: Times) -> dict[str, object]:
    """Median and quartiles of one side, and its ratio to the least side's: where PEFT is not measured beside it."""
    return {
        "ours_ms": round(ours.median, 3),
        "ours_spread_ms": _rounded(ours.spread),
        "ratio": round(ours.median / least.median, 2),
        "rounds": len(ours.ms),
    }


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    if len(values) < 2:
        return values[0], values[0]
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return first, third


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 3) for value in values]
