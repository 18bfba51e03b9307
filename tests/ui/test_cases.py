from __future__ import annotations

from collections import Counter

import pytest

from composer.errors import ComposerError
from composer.types import Query
from composer.ui.cases import FOLDER, Case, chips, load_cases, note
from composer.ui.palette import LIGHT

from .sample import HOSTILE, trace

CASES = load_cases()


def test_there_are_cases_for_every_family_and_the_papers_is_first():
    families = Counter(case.family for case in CASES)
    assert len(CASES) >= 14
    assert all(families[family] >= 2 for family in LIGHT)
    assert CASES[0].slug == "tennis-ball"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.slug)
def test_every_case_can_be_asked(case: Case):
    Query(case.query, case.options, context=case.context or None)
    assert case.look_for and case.family in LIGHT


def test_what_the_paper_printed_stands_beside_what_came_out():
    shown = note(CASES[0], trace({"linear": 0, "cat": 0, "ties": 0, "magnitude_prune": 0}))
    assert "0.595" in shown  # the paper's commonsense_qa
    assert "0.750" in shown  # piqa, in the run at hand
    assert "<td>B</td><td>A</td>" in shown  # TIES: the paper's answer, then ours


def test_a_hostile_case_is_only_text():
    hostile = Case("x", HOSTILE, "reading", HOSTILE, (HOSTILE, "b"), HOSTILE)
    assert "<img" not in chips((hostile,)) + note(hostile, None)


def test_a_case_that_lacks_its_options_is_named(tmp_path):
    (tmp_path / "broken.json").write_text('{"title": "x"}', encoding="utf-8")
    with pytest.raises(ComposerError, match="broken.json"):
        load_cases(tmp_path)


def test_no_case_records_an_outcome():
    assert not any("verdict" in path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json"))
