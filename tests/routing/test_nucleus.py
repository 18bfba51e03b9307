from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer.errors import SearchIndexError, SettingsError
from composer.routing import KERNELS, reweigh, route
from composer.types import Neighbour

# A busy machine is no failure.
UNHURRIED = settings(deadline=None, max_examples=50)
TASKS = ["boolq", "cb", "copa", "mnli", "piqa", "rte"]


def neighbour(task: str, distance: float, kernel: str = "inverse") -> Neighbour:
    return Neighbour(task, f"text of {task}", distance, KERNELS[kernel](distance), f"{task}-1")


def with_mass(**votes: float) -> list[Neighbour]:
    return [Neighbour(task, "text", 0.5, vote, task) for task, vote in votes.items()]


NEIGHBOURS = st.lists(
    st.builds(neighbour, st.sampled_from(TASKS), st.floats(0, 1.9, allow_nan=False)), min_size=1, max_size=40
)
SHARES = st.floats(0.001, 1.0)


@UNHURRIED
@given(neighbours=NEIGHBOURS, top_p=SHARES)
def test_kept_weights_sum_to_one_and_with_the_dropped_masses_nothing_is_lost(neighbours: list[Neighbour], top_p: float):
    weights = route(neighbours, top_p=top_p, kernel="inverse")
    dropped = math.fsum(mass for _, mass in weights.dropped)
    assert math.fsum(weight for _, weight in weights) == pytest.approx(1, abs=1e-12)
    assert {task for task, _ in weights.kept + weights.dropped} == {n.task for n in neighbours}
    assert dropped <= 1 - top_p + 1e-9


@UNHURRIED
@given(neighbours=NEIGHBOURS, top_p=SHARES)
def test_the_nucleus_is_the_smallest_that_reaches_top_p(neighbours: list[Neighbour], top_p: float):
    weights = route(neighbours, top_p=top_p, kernel="inverse")
    kept_mass = 1 - math.fsum(mass for _, mass in weights.dropped)
    without_the_last = kept_mass * (1 - weights.kept[-1][1])
    assert len(weights.kept) == 1 or without_the_last < top_p + 1e-9


@UNHURRIED
@given(neighbours=NEIGHBOURS, seed=st.integers(0, 99), top_p=SHARES)
def test_the_order_of_neighbours_changes_no_bit(neighbours: list[Neighbour], seed: int, top_p: float):
    shuffled = random.Random(seed).sample(neighbours, len(neighbours))
    assert route(shuffled, top_p=top_p, kernel="exp") == route(neighbours, top_p=top_p, kernel="exp")


@UNHURRIED
@given(neighbours=NEIGHBOURS)
def test_p_of_one_keeps_every_task(neighbours: list[Neighbour]):
    assert route(neighbours, top_p=1.0, kernel="inverse").dropped == ()


@UNHURRIED
@given(neighbours=NEIGHBOURS)
def test_the_smallest_p_keeps_exactly_the_heaviest(neighbours: list[Neighbour]):
    weights = route(neighbours, top_p=1e-9, kernel="inverse")
    assert weights.kept == ((weights.heaviest, 1.0),)
    assert all(mass <= 1 / 2 for _, mass in weights.dropped)


def test_votes_are_summed_per_task_and_cut():
    weights = route(with_mass(piqa=6, rte=3, cb=1), top_p=0.9, kernel="inverse")
    assert weights.kept == (("piqa", pytest.approx(2 / 3)), ("rte", pytest.approx(1 / 3)))
    assert weights.dropped == (("cb", pytest.approx(0.1)),)
    assert (weights.top_p, weights.kernel) == (0.9, "inverse")


def test_a_rounding_error_below_top_p_does_not_let_another_task_in():
    # 0.1 + 0.7 is 0.7999999999999999 in floats
    assert [task for task, _ in route(with_mass(a=7, b=1, c=1, d=1), top_p=0.8, kernel="exp")] == ["a", "b"]


def test_equal_masses_are_ordered_by_name():
    assert [task for task, _ in route(with_mass(wic=1, cb=1, piqa=1), top_p=1, kernel="exp")] == ["cb", "piqa", "wic"]


def test_a_task_without_mass_never_enters_the_nucleus():
    weights = route(with_mass(piqa=1, cb=0), top_p=1, kernel="cosine")
    assert (weights.kept, weights.dropped) == ((("piqa", 1.0),), (("cb", 0.0),))


def test_reweighing_uses_the_distances_at_hand():
    before = [neighbour("piqa", 0.25), neighbour("cb", 1.5)]
    after = reweigh(before, "cosine")
    assert [n.vote for n in after] == [0.75, 0.0]
    assert [(n.task, n.distance, n.row_id) for n in after] == [(n.task, n.distance, n.row_id) for n in before]


def test_no_neighbours_is_refused():
    with pytest.raises(SearchIndexError, match="no neighbours"):
        route([], top_p=0.9, kernel="inverse")


def test_no_mass_at_all_is_refused_with_a_kernel_that_has_some():
    with pytest.raises(SettingsError, match="a vote of 0 under the kernel 'cosine'.*'inverse'"):
        route(with_mass(piqa=0, cb=0), top_p=0.9, kernel="cosine")


@pytest.mark.parametrize("vote", [math.nan, math.inf, -0.1])
def test_a_vote_that_is_no_weight_is_refused(vote: float):
    with pytest.raises(SearchIndexError, match="vote"):
        route(with_mass(piqa=1, cb=vote), top_p=0.9, kernel="inverse")


@pytest.mark.parametrize("top_p", [0, -1, 1.01, math.nan])
def test_top_p_out_of_range_is_refused(top_p: float):
    with pytest.raises(SettingsError, match="top-p"):
        route(with_mass(piqa=1), top_p=top_p, kernel="inverse")


def test_an_unknown_kernel_is_refused_by_route_and_reweigh():
    with pytest.raises(SettingsError, match="unknown kernel 'gauss'"):
        route(with_mass(piqa=1), top_p=0.9, kernel="gauss")
    with pytest.raises(SettingsError, match="unknown kernel 'gauss'"):
        reweigh(with_mass(piqa=1), "gauss")
