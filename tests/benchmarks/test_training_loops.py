"""What is called the plain loop really learns as `composer train` does, and what is asked while time is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.plan import Plan
from benchmarks.questions import SHORT, own_examples, typed
from benchmarks.training import SMALLEST, largest_difference, measure
from composer.bank.manifest import load_bank


def test_the_engine_and_a_plain_loop_have_the_same_losses(tiny_bank: Path, tmp_path: Path):
    result = measure(Plan(quick=True, bank=tiny_bank, cache_dir=tmp_path))
    assert result["largest_loss_difference"] < 1e-3
    assert result["steps"] >= 3 and result["tokens_per_s"] > 0


def test_losses_are_compared_step_by_step_relative_to_the_larger():
    assert largest_difference([2.0, 1.0], [2.0, 1.25]) == pytest.approx(0.2)
    assert largest_difference([0.001], [0.002]) == pytest.approx(0.001 / SMALLEST)
    with pytest.raises(ValueError, match="zip"):
        largest_difference([1.0], [1.0, 2.0])


def test_a_banks_own_examples_are_asked_in_turns_and_without_hints(tiny_bank: Path):
    examples = own_examples(load_bank(tiny_bank))
    asked = typed(examples)
    assert len(asked) == len(examples) and not any(query.hint for query in asked)
    tasks = sorted(set(examples.tasks))
    first = [examples.query(examples.rows_of(task)[0]).text for task in tasks]
    assert [query.text for query in asked[: len(tasks)]] == first


def test_the_short_questions_are_short_and_have_four_short_options():
    assert len({query.text for query in SHORT}) == len(SHORT) == 24
    assert {len(query.options) for query in SHORT} == {4}
    assert max(len(option) for query in SHORT for option in query.options) <= 24
