"""Rows by what retrieval found for them: how many tasks are in the nucleus, how near the nearest example is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import quantiles

from composer.evaluation.columns import TYPED
from composer.evaluation.comparing import Mask
from composer.evaluation.results import SEEN, Evaluation, Routed, TaskResult, route_name

SIZES = ((1, 1), (2, 3), (4, 6), (7, 99))
"""Bounds of the number of tasks in a nucleus, both included."""


@dataclass(frozen=True)
class Stratum:
    name: str
    mask: Mask


@dataclass(frozen=True)
class Found:
    """How well retrieval finds the rows' own tasks in one setting: means over tasks."""

    heaviest: float
    in_nucleus: float
    size: float
    nearest: float


def routed(result: TaskResult, asked: str = TYPED, setting: str = SEEN) -> Routed | None:
    return dict(result.routed).get(route_name(asked, setting))


def by_size(evaluation: Evaluation) -> tuple[Stratum, ...]:
    """Of the rows as typed, with everything there."""
    return tuple(Stratum(_span(low, high), _within(low, high)) for low, high in SIZES)


def by_nearest(evaluation: Evaluation) -> tuple[Stratum, ...]:
    """Quarters of all rows, the farthest first; none where there are fewer than four rows."""
    values = [value for one in evaluation.tasks if (found := routed(one)) for value in found.nearest]
    if len(values) < 4:
        return ()
    cuts = [-1.0, *quantiles(values), 1.01]
    names = ["farthest quarter", "second", "third", "nearest quarter"]
    bounds = zip(names, cuts[:-1], cuts[1:], strict=True)
    return tuple(Stratum(_named(name, low, high), _between(low, high)) for name, low, high in bounds)


def found(evaluation: Evaluation, asked: str = TYPED, setting: str = SEEN) -> Found | None:
    """None where the evaluation has no such setting."""
    all_routed = [one for result in evaluation.tasks if (one := routed(result, asked, setting))]
    if not all_routed:
        return None
    return Found(
        heaviest=_mean(one.heaviest / one.n for one in all_routed),
        in_nucleus=_mean(one.in_nucleus / one.n for one in all_routed),
        size=_mean(sum(one.sizes) / one.n for one in all_routed),
        nearest=_mean(sum(one.nearest) / one.n for one in all_routed),
    )


def _within(low: int, high: int) -> Mask:
    return lambda result: _of(result, lambda one: (low <= size <= high for size in one.sizes))


def _between(low: float, high: float) -> Mask:
    return lambda result: _of(result, lambda one: (low <= value < high for value in one.nearest))


def _of(result: TaskResult, rows: Callable[[Routed], Iterable[bool]]) -> Iterable[bool]:
    one = routed(result)
    return rows(one) if one else (False for _ in result.golds)


def _span(low: int, high: int) -> str:
    if low == high:
        return str(low)
    return f"{low} or more" if high >= 99 else f"{low}–{high}"


def _named(name: str, low: float, high: float) -> str:
    if low < 0:
        return f"{name}, below {high:.2f}"
    return f"{name}, {low:.2f} or more" if high > 1 else f"{name}, {low:.2f}–{high:.2f}"


def _mean(values: Iterable[float]) -> float:
    kept = list(values)
    return sum(kept) / len(kept)
