"""Adapters paired with their weights, one to one. Nothing is cut short, guessed or left out silently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real

from composer.errors import MergeError, unknown
from composer.merging.factors import AdapterFactors

Weights = Mapping[str, float] | Iterable[tuple[str, float]]
"""By adapter name; a TaskWeights is one too. The order is the order of the merge."""

LARGEST = 3.4e38
"""About the largest fp32 number: what lies above would turn factors into infinities."""


def weigh(adapters: Sequence[AdapterFactors], weights: Weights) -> tuple[tuple[AdapterFactors, float], ...]:
    """In the order of the weights. Raises MergeError unless every adapter has one weight, finite and not all zero."""
    asked = tuple(weights.items() if isinstance(weights, Mapping) else weights)
    if not adapters or not asked:
        raise MergeError(f"{len(adapters)} adapters and {len(asked)} weights were given. Give at least one of each.")
    _check_unique("adapter", [adapter.name for adapter in adapters])
    _check_unique("weight", [name for name, _ in asked])
    by_name = {adapter.name: adapter for adapter in adapters}
    for name, _ in asked:
        if name not in by_name:
            raise MergeError(unknown("adapter", name, by_name))
    if spare := sorted(by_name.keys() - dict(asked).keys()):
        raise MergeError(f"{spare[0]!r} has no weight. Give it one, or leave the adapter out.")
    checked = tuple((by_name[name], _number(name, weight)) for name, weight in asked)
    if not any(weight for _, weight in checked):
        raise MergeError("all weights are zero, which merges nothing. Set at least one of them.")
    return checked


def check_equal_ranks(adapters: Sequence[AdapterFactors], title: str, mixing: Iterable[str]) -> None:
    """Raises MergeError, naming the methods that do mix ranks as `mixing` does."""
    ranks = {adapter.name: adapter.rank for adapter in adapters}
    if len(set(ranks.values())) > 1:
        listed = ", ".join(f"{name} {rank}" for name, rank in ranks.items())
        raise MergeError(f"{title} needs equal ranks; these differ: {listed}. These mix ranks: {', '.join(mixing)}.")


def _check_unique(what: str, names: Sequence[str]) -> None:
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise MergeError(f"{what} {name!r} is given {count} times. Name each one once.")


def _number(name: str, weight: object) -> float:
    # Compared before it is converted: an int may be too large for a float. NaN is not <= anything.
    if isinstance(weight, bool) or not isinstance(weight, Real) or not weight <= LARGEST or weight < -LARGEST:
        raise MergeError(f"the weight of {name!r} is {str(weight)[:40]}; it must be a finite number.")
    return float(weight)
