"""Intervals and tests against values that can be looked up or counted by hand."""

from __future__ import annotations

import math
from itertools import product

import pytest

from composer.evaluation.statistics import interval_of_mean, mcnemar, wilson


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval_is_the_published_one(right: int, n: int, low: float, high: float):
    found = wilson(right, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def pairs(both: int, first: int, second: int, neither: int) -> tuple[list[bool], list[bool]]:
    rows = [(True, True)] * both + [(True, False)] * first + [(False, True)] * second + [(False, False)] * neither
    return [one for one, _ in rows], [other for _, other in rows]


@pytest.mark.parametrize(("first", "second"), [(6, 1), (1, 6), (3, 3), (5, 0), (0, 0), (8, 2)])
def test_mcnemars_p_is_the_share_of_coin_throws_at_least_as_uneven(first: int, second: int):
    found = mcnemar(*pairs(4, first, second, 2))
    throws = [abs(sum(throw) - (first + second) / 2) for throw in product((0, 1), repeat=first + second)]
    uneven = [throw for throw in throws if throw >= abs(first - second) / 2]
    assert found.p == pytest.approx(len(uneven) / len(throws))
    assert (found.n, found.first_only, found.second_only) == (6 + first + second, first, second)
    assert found.difference == (first - second) / found.n


def test_a_difference_is_called_one_below_five_percent():
    assert mcnemar(*pairs(0, 5, 0, 0)).may_be_chance  # p = 1/16
    assert not mcnemar(*pairs(0, 6, 0, 0)).may_be_chance  # p = 1/32
    assert mcnemar(*pairs(9, 0, 0, 9)).p == 1


def test_the_interval_of_a_mean_weighs_tasks_alike():
    """Accuracies .5 of 100 rows and .8 of 25: variances .0025 and .0064, of the mean a quarter of their sum."""
    found = interval_of_mean([[True, False] * 50, [True] * 20 + [False] * 5])
    half = 1.96 * math.sqrt((0.0025 + 0.0064) / 4)
    assert (found.low, found.high) == pytest.approx((0.65 - half, 0.65 + half), abs=1e-4)


def test_the_interval_of_one_tasks_mean_stays_within_bounds():
    found = interval_of_mean([[True] * 9 + [False]])
    assert found.high == 1
    assert found.low == pytest.approx(0.9 - 1.96 * math.sqrt(0.009), abs=1e-4)
