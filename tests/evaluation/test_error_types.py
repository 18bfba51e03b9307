"""The rules of the error types, each on questions that it should and should not find."""

from __future__ import annotations

import pytest

from composer.evaluation.error_types import RULES, types_of
from composer.types import Query

LONG_QUESTION = "Which of the two towns that the passage names is the older one?"
YES_NO = ("no", "yes")


@pytest.mark.parametrize(
    ("query", "task", "types"),
    [
        (Query("Tom woke up late.", ("He ran to school.", "Birds sang all day.")), "story_cloze", ["temporal", "commonsense", "ambiguity"]),
        (Query("Which town was founded after the flood of the year 1362?", YES_NO, context="A."), "boolq", ["temporal"]),
        (Query("Did the new machine of the mill fail on its long test run of May?", YES_NO), "boolq", []),
        (Query("Is it open?", YES_NO), "boolq", ["ambiguity"]),
        (Query("Is it open?", YES_NO, context="It is open."), "boolq", []),
        (Query(LONG_QUESTION, ("You can buy a ball there.", "You can buy a racket there.")), "squad", ["ambiguity"]),
        (Query("The committee of the town has never met in this house or any other.", YES_NO), "boolq", ["negation"]),
        (Query("It isn’t the case that the committee met in the town's house.", YES_NO), "boolq", ["negation"]),
        (Query(LONG_QUESTION, ("the first", "not the first one but the second")), "squad", ["negation"]),
        (Query(LONG_QUESTION, YES_NO, context="It is not here, nor there."), "boolq", []),
        (Query(LONG_QUESTION, YES_NO, context="word " * 90), "boolq", ["long context"]),
        (Query("Premise: A dog runs over the grass.\nHypothesis: An animal moves.", YES_NO), "rte", ["entailment"]),
    ],
)  # fmt: skip
def test_a_rule_finds_what_it_says(query: Query, task: str, types: list[str]):
    assert list(types_of(query, task)) == types


def test_the_papers_six_types_have_a_rule_each_and_say_where_they_are_unsure():
    names = ["temporal", "commonsense", "ambiguity", "negation", "long context", "entailment"]
    assert [rule.name for rule in RULES] == names
    assert all(rule.sentence.endswith((".", "…")) and rule.unsure.endswith(".") for rule in RULES)
