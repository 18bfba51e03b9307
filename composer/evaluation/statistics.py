"""How far a figure may be chance: intervals of accuracies, and two candidates compared on the same rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95
SIGNIFICANCE = 0.05
"""Below this p a difference is called one; above it, it may be chance."""
_Z = 1.959963984540054
"""The normal distribution's 97.5 % quantile."""


@dataclass(frozen=True)
class Interval:
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """Two candidates on the same rows (McNemar's exact test)."""

    n: int
    first_only: int
    """Rows that only the first had right."""
    second_only: int
    p: float
    """Probability of a difference at least as large if both were equally good: two-sided, exact."""

    @property
    def difference(self) -> float:
        """Accuracy of the first less that of the second."""
        return (self.first_only - self.second_only) / self.n

    @property
    def may_be_chance(self) -> bool:
        return self.p >= SIGNIFICANCE


def wilson(right: int, n: int) -> Interval:
    """Of a share of n rows, 95 % (Wilson's score interval, 1927). `n` is at least 1."""
    from scipy.stats import binomtest

    found = binomtest(right, n).proportion_ci(CONFIDENCE, method="wilson")
    return Interval(float(found.low), float(found.high))


def interval_of_mean(per_task: Sequence[Sequence[bool]]) -> Interval:
    """Of a mean of accuracies over tasks, each with the same weight: 95 %, by the normal approximation.

    The variance of the mean is the sum of the tasks' p (1 - p) / n over the square of their number.
    """
    shares = [sum(right) / len(right) for right in per_task]
    variance = sum(share * (1 - share) / len(right) for share, right in zip(shares, per_task, strict=True))
    mean, half = sum(shares) / len(shares), _Z * math.sqrt(variance) / len(shares)
    return Interval(max(0.0, mean - half), min(1.0, mean + half))


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> Comparison:
    """Whether each row was answered right, by two candidates, in the same order of rows (McNemar, 1947; exact)."""
    from scipy.stats import binomtest

    pairs = list(zip(first, second, strict=True))
    only = [sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs)]
    p = float(binomtest(only[0], sum(only)).pvalue) if sum(only) else 1.0
    return Comparison(len(pairs), only[0], only[1], p)
