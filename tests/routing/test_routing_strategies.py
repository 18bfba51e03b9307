from __future__ import annotations

from dataclasses import replace

import pytest

from composer.errors import SettingsError
from composer.routing import STRATEGIES, Evidence, strategy_named
from composer.types import Query, TaskWeights

WEIGHTS = TaskWeights((("piqa", 0.6), ("copa", 0.3), ("cb", 0.1)), (("rte", 0.05),), top_p=0.95, kernel="inverse")
EVIDENCE = Evidence(Query("Is it?", ("yes", "no")), (), WEIGHTS, tasks=("cb", "copa", "piqa", "rte"), own="rte")


@pytest.mark.parametrize(
    ("name", "choice"),
    [
        ("base", ()),
        ("own", (("rte", 1.0),)),
        ("uniform", (("piqa", 1 / 3), ("copa", 1 / 3), ("cb", 1 / 3))),
        ("top1", (("piqa", 1.0),)),
        ("retrieval", (("piqa", 0.6), ("copa", 0.3), ("cb", 0.1))),
    ],
)
def test_each_strategy_chooses_as_its_name_says(name: str, choice: tuple[tuple[str, float], ...]):
    assert STRATEGIES[name].choose(EVIDENCE) == choice


def test_only_the_oracle_needs_to_know_the_task():
    assert [name for name, strategy in STRATEGIES.items() if strategy.needs_own] == ["own"]
    with pytest.raises(SettingsError, match="typed question has none"):
        STRATEGIES["own"].choose(replace(EVIDENCE, own=None))


def test_those_that_do_not_look_at_the_question_are_told_and_one_wants_labelled_rows():
    blind = [name for name, strategy in STRATEGIES.items() if strategy.blind]
    assert blind == ["own", "base", "soup", "lorahub", "arrow", "spectr", "logo"]
    assert [name for name, strategy in STRATEGIES.items() if strategy.needs_rows] == ["lorahub"]
    assert len({s.title for s in STRATEGIES.values()}) == len({s.description for s in STRATEGIES.values()})
    assert len({s.title for s in STRATEGIES.values()}) == len(STRATEGIES)


def test_an_unknown_strategy_names_the_nearest():
    with pytest.raises(SettingsError, match="Did you mean 'uniform'"):
        strategy_named("unifrom")
