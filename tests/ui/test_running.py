"""What the page makes of a run: quick or slow, and whatever breaks."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from composer.merging import METHODS
from composer.ui import running
from composer.ui.running import find, finished, model_work

from .sample import METHODS as FOUR
from .sample import inputs

BREAD = inputs(question="Where can I buy bread?", options="a bakery\na bank")


def breaking(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("lost /composer/secret.py")

    monkeypatch.setitem(METHODS, method, replace(METHODS[method], merge=broken))


@pytest.fixture
def unmerged(composer):
    """Without merges that another test has made."""
    return replace(composer, merges=type(composer.merges)(1, lambda merged: 2))


def test_a_quick_base_answers_all_at_once_and_then_the_references_follow(composer):
    found = find(composer, BREAD)
    assert not found.answered and found.waiting == FOUR
    first, last = model_work(composer)(found)
    assert first.waiting == () and not first.finished
    assert last.finished and last.ticket == found.ticket
    assert last.trace.neighbours == found.trace.neighbours and last.trace.weights == found.trace.weights


def test_a_slow_base_answers_method_by_method(composer, monkeypatch):
    monkeypatch.setattr(running, "SLOW_PARAMETERS", 0)
    steps = list(model_work(composer)(find(composer, BREAD)))
    assert [len(step.waiting) for step in steps] == [3, 2, 1, 0, 0]
    assert [step.finished for step in steps] == [False] * 4 + [True]


def test_a_method_that_breaks_in_the_joint_pass_is_found_by_asking_each_apart(unmerged, monkeypatch, caplog):
    breaking(monkeypatch, "ties")
    with caplog.at_level(logging.ERROR, logger="composer.ui.running"):
        run = finished(model_work(unmerged), find(unmerged, BREAD))
    assert [p.method for p in run.trace.predictions] == ["base", "linear", "cat", "magnitude_prune"]
    assert [(f.method, f.message) for f in run.trace.failures] == [
        ("ties", "TIES failed in an unexpected way; the server's log has the details.")
    ]
    assert run.waiting == () and run.finished
    assert [record.exc_info[1].args for record in caplog.records] == [("lost /composer/secret.py",)] * 2


def test_options_are_searched_with_only_where_that_is_asked_for(composer):
    without, along = (find(composer, replace(BREAD, embed_options=wanted)).trace for wanted in (False, True))
    assert (without.query.hint, along.query.hint) == (None, "a bakery\na bank")
    assert without.neighbours != along.neighbours
    answers = [finished(model_work(composer), find(composer, replace(BREAD, embed_options=e))) for e in (False, True)]
    base = [run.trace.prediction("base").probabilities for run in answers]
    assert base[0] == base[1]  # the models do not read it
