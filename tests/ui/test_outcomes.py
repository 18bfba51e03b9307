from __future__ import annotations

from dataclasses import replace

import pytest

from composer.errors import ComposerError
from composer.types import Query
from composer.ui.cases import Case
from composer.ui.gallery import tiles
from composer.ui.outcomes import outcome, outcomes_file, read_outcomes, write_outcomes

FOUND = {
    "x": {"verdict": "Three of four agree", "votes": [3, 1], "flips": 1, "right": 3, "task": "piqa", "weight": 0.8}
}
CASE = Case("x", "Title", "reading", "Where can I buy bread?", ("a bakery", "a bank"), "Look.", gold=0)


def test_outcomes_are_shown_for_the_bank_that_gave_them(composer, tmp_path):
    bank = composer.bank
    write_outcomes(bank, FOUND, outcomes_file(bank.name, tmp_path))
    shown = tiles((CASE,), read_outcomes(bank, tmp_path))
    assert "Three of four agree, 1 against the base" in shown and "piqa 80%" in shown
    assert (shown.count("ac-side-0"), shown.count("ac-side-1")) == (3, 1)


def test_outcomes_of_a_bank_that_has_changed_are_not_shown(composer, tmp_path):
    bank = composer.bank
    write_outcomes(bank, FOUND, outcomes_file(bank.name, tmp_path))
    (tmp_path / "bank.toml").write_text("changed", encoding="utf-8")
    assert read_outcomes(replace(bank, folder=tmp_path), tmp_path) == {}


def test_a_damaged_file_of_outcomes_is_named(composer, tmp_path):
    outcomes_file("tiny", tmp_path).write_text("{", encoding="utf-8")
    with pytest.raises(ComposerError, match="cases-tiny.json is damaged.*composer cases"):
        read_outcomes(composer.bank, tmp_path)


def test_an_outcome_is_what_the_bank_answers(composer):
    trace = composer.explain(Query(CASE.query, CASE.options))
    merges = [prediction.chosen for prediction in trace.predictions[1:]]
    found = outcome(composer, CASE)
    assert (found["right"], sum(found["votes"])) == (merges.count(0), len(merges))
    assert found["flips"] == sum(chosen != trace.prediction("base").chosen for chosen in merges)
    assert (found["task"], found["weight"]) == (trace.weights.heaviest, round(trace.weights.kept[0][1], 3))
    assert outcome(composer, replace(CASE, gold=None)) == {**found, "right": None}
