"""Questions with recorded weights, on any bank; and what broke in a run takes nothing else away."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.asked import TYPICAL, asked_of, recorded
from benchmarks.attempt import attempted, errors_in
from benchmarks.questions import SHORT
from composer.bank.manifest import load_bank
from composer.config import DEFAULT_BANK
from composer.errors import ComposerError


def test_every_short_question_has_weights_of_tasks_that_the_bank_that_ships_has():
    bank, weights = load_bank(DEFAULT_BANK, ready=False), recorded()
    assert len(weights) == len(SHORT)
    assert {task for one in weights for task, _ in one} <= set(bank.tasks)
    assert len(asked_of(bank)) >= 12
    for asked in asked_of(bank):
        assert len(asked.weights) in TYPICAL and sum(weight for _, weight in asked.weights) == pytest.approx(1)
        assert [weight for _, weight in asked.weights] == sorted((w for _, w in asked.weights), reverse=True)


def test_a_bank_of_other_tasks_gets_the_same_weights_on_its_own(small_bank: Path):
    bank = load_bank(small_bank)
    with pytest.raises(ComposerError, match="has 2 tasks, and at least 3 are merged"):
        asked_of(bank)
    for asked in asked_of(bank, (2,)):
        assert [task for task, _ in asked.weights] == list(bank.tasks)
        assert sum(weight for _, weight in asked.weights) == pytest.approx(1)


def test_what_breaks_is_told_and_takes_nothing_else_away(capsys: pytest.CaptureFixture[str]):
    heard: list[int] = []
    found = attempted(
        {"first": lambda: 1, "second": lambda: {**attempted({"inner": _broken})}, "third": _broken, "last": lambda: 4},
        lambda results: heard.append(len(results)),
    )
    assert (found["first"], found["last"]) == (1, 4)
    assert heard == [1, 2, 3, 4]
    assert errors_in(found) == ("third: ValueError: no", "inner: ValueError: no")
    assert "Traceback" in capsys.readouterr().err


def _broken() -> object:
    raise ValueError("no")
