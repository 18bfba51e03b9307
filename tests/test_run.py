"""`Composer.run`: a trace that grows, whatever fails on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from composer import Query
from composer.config import DEFAULT_METHODS
from composer.errors import MergeError
from composer.lineup import REFERENCES
from composer.merging import METHODS
from composer.pipeline import Composer
from composer.types import Failure, Prediction

BREAD = Query("Where can I buy a fresh loaf of bread?", ("a bakery", "a bank", "a shoe shop"))


def in_words(name: str, error: Exception) -> Failure:
    return Failure(name, f"rescued from {error}")


def breaking(monkeypatch: pytest.MonkeyPatch, method: str, error: Exception) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setitem(METHODS, method, replace(METHODS[method], merge=broken))


@pytest.fixture
def unmerged(composer: Composer) -> Composer:
    """Without merges that another test has made."""
    return replace(composer, merges=type(composer.merges)(1, lambda merged: 2))


def names(answers) -> list[str]:
    return [answer.method for answer in answers]


def test_a_trace_grows_from_what_was_found_to_the_answers_to_the_references(composer: Composer):
    found, answered, whole = composer.run(BREAD)
    assert found.neighbours and found.weights.kept and not found.predictions
    assert names(answered.predictions) == ["base", *DEFAULT_METHODS] and not answered.references
    assert names(whole.references) == list(REFERENCES)
    assert replace(whole, references=(), timings_ms=()) == replace(answered, timings_ms=())
    assert answered.weights == found.weights


def test_apart_each_method_answers_in_its_turn_as_it_does_with_the_others(composer: Composer):
    steps = list(composer.run(BREAD, references=(), apart=True))
    assert [len(step.predictions) for step in steps] == [0, 2, 3, 4, 5]
    together = composer.explain(BREAD)
    for one, other in zip(steps[-1].predictions, together.predictions, strict=True):
        assert (one.method, one.chosen) == (other.method, other.chosen)
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)
    for share, joint in zip(steps[-1].contributions, together.contributions, strict=True):
        assert share.method == joint.method and dict(share.effective) == pytest.approx(dict(joint.effective), abs=1e-5)


def test_what_nobody_foresaw_is_raised_or_put_into_words(unmerged: Composer, monkeypatch: pytest.MonkeyPatch):
    breaking(monkeypatch, "linear", RuntimeError("lost"))
    with pytest.raises(RuntimeError, match="lost"):
        list(unmerged.run(BREAD))
    *_, last = unmerged.run(BREAD, apart=True, rescue=in_words)
    # the first method broke, and the base that answers beside it did not; uniform is merged by linear
    assert names(last.predictions) == ["base", "cat", "ties", "magnitude_prune"]
    assert last.failures == (Failure("linear", "rescued from lost"),)
    assert isinstance(last.references[0], Prediction)
    assert last.references[1:] == (Failure("uniform", "rescued from lost"),)


def test_a_method_whose_answer_breaks_is_put_into_words_too(composer: Composer, monkeypatch: pytest.MonkeyPatch):
    score = type(composer).score

    def fragile(self, query, merged, *given, **named):
        if "ties" in names(merged):
            raise RuntimeError("no room")
        return score(self, query, merged, *given, **named)

    monkeypatch.setattr(type(composer), "score", fragile)
    *_, last = composer.run(BREAD, apart=True, rescue=in_words)
    assert names(last.predictions) == ["base", "linear", "cat", "magnitude_prune"]
    assert last.failures == (Failure("ties", "rescued from no room"),)
    assert all(isinstance(reference, Prediction) for reference in last.references)


def test_a_reference_that_fails_takes_no_answer_away(unmerged: Composer, monkeypatch: pytest.MonkeyPatch):
    breaking(monkeypatch, "linear", MergeError("the ranks differ. Choose cat."))
    *_, last = unmerged.run(BREAD)
    assert last.failures == (Failure("linear", "the ranks differ. Choose cat."),)
    assert Failure("uniform", "the ranks differ. Choose cat.") in last.references
    assert isinstance(last.references[0], Prediction) and last.references[0].method == "top1"


def test_references_that_cannot_be_scored_say_why(composer: Composer, monkeypatch: pytest.MonkeyPatch):
    score = type(composer).score

    def fragile(self, query, merged, *given, **named):
        if "top1" in names(merged):
            raise MergeError("no room. Ask for less.")
        return score(self, query, merged, *given, **named)

    monkeypatch.setattr(type(composer), "score", fragile)
    *_, last = composer.run(BREAD)
    assert names(last.predictions) == ["base", *DEFAULT_METHODS]
    assert last.references == tuple(Failure(name, "no room. Ask for less.") for name in REFERENCES)
