"""LoraHub's search, on made-up losses, whose best weights are known."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from composer.errors import SettingsError
from composer.routing import STRATEGIES, Choice, Evidence
from composer.types import Query, TaskWeights

WEIGHTS = TaskWeights((("copa", 1.0),), (), top_p=0.9, kernel="inverse")
choose = STRATEGIES["lorahub"].choose


def evidence(best: dict[str, float], calls: list[Choice] | None = None) -> Evidence:
    """The loss is 2 + the squared distance to the best weights."""

    def loss(choice: Choice) -> float:
        if calls is not None:
            calls.append(choice)
        return 2 + sum((dict(choice).get(task, 0.0) - weight) ** 2 for task, weight in best.items())

    return Evidence(Query("Is it?", ("yes", "no")), (), WEIGHTS, tasks=tuple(sorted(best)), trial=loss)


def penalized(given: Evidence, choice: Choice) -> float:
    return given.loss(choice) + 0.05 * sum(abs(weight) for _, weight in choice)


def test_it_lowers_the_penalized_loss_and_gives_an_adapter_that_hurts_a_negative_weight():
    given = evidence({"cb": 0.9, "copa": -0.6, "rte": 0.0})
    choice = choose(given)
    assert penalized(given, choice) < penalized(given, ()) - 0.8
    assert dict(choice)["cb"] == pytest.approx(0.9, abs=0.15)
    assert dict(choice)["copa"] == pytest.approx(-0.6, abs=0.15)
    assert [task for task, _ in choice][:2] == ["cb", "copa"]


def test_weights_stay_within_their_bounds():
    choice = choose(evidence({"cb": 40.0, "copa": -40.0}))
    assert dict(choice) == pytest.approx({"cb": 1.5, "copa": -1.5}, abs=0.01)
    assert all(abs(weight) <= 1.5 for _, weight in choice)


def test_it_begins_with_the_base_and_tries_forty_choices():
    calls: list[Choice] = []
    choose(evidence({f"task{number:02}": 0.3 for number in range(22)}, calls))
    assert calls[0] == ()
    assert 30 < len(calls) <= 41
    assert all(weight for choice in calls for _, weight in choice)


def test_where_every_adapter_hurts_either_way_the_base_is_chosen():
    assert choose(evidence({"cb": 0.0, "copa": 0.0})) == ()


@pytest.mark.filterwarnings("ignore:Clipping very high value")
def test_a_choice_that_overflows_is_never_taken():
    given = evidence({"cb": 1.0})
    assert choose(replace(given, trial=lambda choice: math.inf if choice else 2.0)) == ()


def test_the_same_rows_give_the_same_weights():
    best = {f"task{number:02}": (number - 3) / 8 for number in range(8)}
    assert choose(evidence(best)) == choose(evidence(best))


@pytest.mark.parametrize("best", [{"cb": 0.7}, {"cb": 0.7, "copa": 0.2}])
def test_one_adapter_or_two_are_enough(best: dict[str, float]):
    assert dict(choose(evidence(best)))["cb"] == pytest.approx(0.7, abs=0.1)


def test_without_adapters_the_base_is_left():
    assert choose(evidence({})) == ()


def test_without_labelled_rows_it_is_said():
    with pytest.raises(SettingsError, match="at least 5 labelled rows"):
        choose(replace(evidence({"cb": 1.0}), trial=None))
