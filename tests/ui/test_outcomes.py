from __future__ import annotations

from dataclasses import replace

import pytest

from composer.bank.manifest import load_bank
from composer.errors import ComposerError
from composer.ui.cases import Case, gallery
from composer.ui.outcomes import outcomes_file, read_outcomes, write_outcomes

FOUND = {"x": {"verdict": "Three of four agree", "votes": [3, 1], "task": "piqa", "weight": 0.8}}


@pytest.fixture(scope="module")
def bank():
    return load_bank("embedded", verify=False)


def test_outcomes_are_shown_for_the_bank_that_gave_them(bank, tmp_path):
    write_outcomes(bank, FOUND, tmp_path)
    case = Case("x", "Title", "reading", "Q?", ("a", "b"), "Look.")
    shown = gallery((case,), read_outcomes(bank, tmp_path))
    assert "Three of four agree" in shown and "piqa 80%" in shown
    assert (shown.count("ac-side-0"), shown.count("ac-side-1")) == (3, 1)


def test_outcomes_of_a_bank_that_has_changed_are_not_shown(bank, tmp_path):
    write_outcomes(bank, FOUND, tmp_path)
    (tmp_path / "bank.toml").write_text("changed", encoding="utf-8")
    assert read_outcomes(replace(bank, folder=tmp_path), tmp_path) == {}


def test_a_damaged_file_of_outcomes_is_named(bank, tmp_path):
    outcomes_file("embedded", tmp_path).write_text("{", encoding="utf-8")
    with pytest.raises(ComposerError, match="cases-embedded.json"):
        read_outcomes(bank, tmp_path)
