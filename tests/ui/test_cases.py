from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest

from composer.errors import ComposerError
from composer.types import Query
from composer.ui import case_note, gallery
from composer.ui.case_note import rightness
from composer.ui.cases import FOLDER, Case, load_cases
from composer.ui.outcomes import outcomes_file
from composer.ui.palette import LIGHT

from .sample import HOSTILE, trace

CASES = load_cases()
PRINTED = {"source": "A paper.", "weights": {"piqa": 0.5952}, "chosen": {"linear": 0, "ties": 1}}
WHERE = Case("where", "Where", "reading", "Where?", ("here", "there"), "Look.", gold=0, printed=PRINTED)
VALUES = {
    "title": "Where",
    "family": "reading",
    "query": "Where?",
    "options": ["here", "there"],
    "look_for": "Look.",
    "gold": "there",
}


def test_there_are_cases_for_every_family_and_the_papers_is_first():
    families = Counter(case.family for case in CASES)
    assert len(CASES) >= 14
    assert set(families) == set(LIGHT)


def test_the_first_case_on_show_is_one_that_merging_changes():
    stored = json.loads(outcomes_file("smollm2-135m").read_text(encoding="utf-8"))["cases"]
    first = stored[CASES[0].slug]
    assert first["flips"] and first["right"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.slug)
def test_every_case_can_be_asked(case: Case):
    Query(case.query, case.options, gold=case.gold, context=case.context or None)
    assert case.look_for and case.family in LIGHT


def test_what_the_paper_printed_stands_beside_what_came_out():
    shown = case_note.draw(WHERE, trace({"linear": 0, "ties": 0}))
    assert "<td>0.595</td><td>0.750</td>" in shown  # piqa: the paper's weight, then ours
    assert "<td>B</td><td>A</td>" in shown  # TIES: the paper's answer, then ours
    waiting = case_note.draw(WHERE, replace(trace({}), predictions=()))
    assert "<td>B</td><td>…</td>" in waiting and "<td>0.595</td><td>0.750</td>" in waiting


def test_a_case_names_its_right_answer_without_its_full_stop_or_says_that_nobody_knows():
    assert rightness(WHERE) == "The right answer is A, “here”."
    assert rightness(replace(WHERE, options=("It is here.", "It is there."))).endswith("A, “It is here”.")
    assert rightness(replace(WHERE, gold=None)) == "Nobody can know the right answer."
    assert rightness(WHERE) in case_note.draw(WHERE, trace({"cat": 1}))


def test_a_title_that_is_a_question_gets_no_full_stop():
    for title, shown in (("Where", "Where."), ("Is it the same question?", "Is it the same question?")):
        assert f"<strong>{shown}</strong>" in case_note.draw(replace(WHERE, title=title), trace({}))


def test_a_hostile_case_is_only_text():
    hostile = Case("x", HOSTILE, "reading", HOSTILE, (HOSTILE, "b"), HOSTILE, gold=0)
    shown = gallery.chips((hostile,)) + gallery.tiles((hostile,), {}) + case_note.draw(hostile, trace({"cat": 0}))
    assert "<img" not in shown and "&lt;img" in shown


@pytest.mark.parametrize(("gold", "index"), [("there", 1), (0, 0), (None, None)])
def test_the_right_option_is_given_by_its_text_or_its_number_or_cannot_be_known(tmp_path, gold, index):
    (tmp_path / "where.json").write_text(json.dumps({**VALUES, "gold": gold}), encoding="utf-8")
    assert [(case.slug, case.gold) for case in load_cases(tmp_path)] == [("where", index)]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"gold": "elsewhere"}, "gold is 'elsewhere', which is none of its 2 options"),
        ({"gold": 2}, "gold is 2, which is none"),
        ({"gold": True}, "gold is True, which is none"),
        ({"gold": ...}, "it has no 'gold'. Give the right option's text"),
        ({"title": ...}, "it has no 'title'. Add it."),
        ({"titel": "x"}, "unknown key 'titel'. Did you mean 'title'"),
        ({"order": "first"}, "order is 'first'; it must be a whole number"),
        ({"family": "readings"}, "unknown family 'readings'. Did you mean 'reading'"),
        ({"options": ["one"]}, "1 answer options were given"),
        ({"options": ["one", 2]}, "option 2 is a int, not text"),
        ({"query": " "}, "the question is empty"),
        ({"printed": {"source": "x"}}, "printed must hold source, weights and chosen"),
        ({"printed": {**PRINTED, "chosen": {"tie": 0}}}, "unknown method in printed: 'tie'"),
        ({"printed": {**PRINTED, "chosen": {"ties": 2}}}, "printed has 2 for ties"),
    ],
)
def test_a_case_that_cannot_be_used_is_named_with_its_fault(tmp_path, changed: dict, words: str):
    values = {key: value for key, value in {**VALUES, **changed}.items() if value is not ...}
    (tmp_path / "broken.json").write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(ComposerError, match=f"the case study broken.json cannot be used: .*({words})"):
        load_cases(tmp_path)


@pytest.mark.parametrize(("text", "words"), [("{", "cannot be read"), ("[]", "it holds list, and a table is needed")])
def test_a_file_that_is_no_case_is_named(tmp_path, text: str, words: str):
    (tmp_path / "broken.json").write_text(text, encoding="utf-8")
    with pytest.raises(ComposerError, match=f"broken.json.*{words}"):
        load_cases(tmp_path)


def test_no_case_records_an_outcome():
    assert not any("verdict" in path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json"))
