"""docs/evaluation.md: its figures can be counted, its words follow from them, and what is lacking is said."""

from __future__ import annotations

import pytest

from composer.config import DEFAULT_METHODS
from composer.evaluation.comparing import agreement, by_task, compare
from composer.evaluation.document import document
from composer.evaluation.findings import findings
from composer.evaluation.results import Evaluation
from composer.evaluation.strata import by_nearest, by_size, found

from .made import COPA, MADE, graded

ROWS = 20
ALL, NONE = "1" * ROWS, "0" * ROWS
HALF = "10" * (ROWS // 2)
OTHER_HALF = "01" * (ROWS // 2)


def with_all(tasks: tuple[str, ...] = ("copa", "rte"), **right: str) -> Evaluation:
    """Every column that a finding reads, seen and unseen, half of the rows right unless given."""
    names = ("base", "own", "top1", "uniform", "soup", "lorauter", *DEFAULT_METHODS)
    columns = {}
    for name in names:
        value = right.get(name, HALF)
        if name in ("base", "own"):
            columns[name] = value
            continue
        asked = name if name == "soup" else f"{name}, typed"
        columns |= {asked: value, f"{asked}, unseen": right.get(f"{name}_unseen", value)}
    return graded(columns, tasks=tasks)


def finding(evaluation: Evaluation, heading: str) -> str:
    return next(part for part in findings(evaluation, None).split("\n\n") if part.startswith(f"**{heading}"))


def test_pairs_are_counted_over_all_rows_of_the_tasks_that_have_an_adapter():
    one = compare(MADE, "own", "base")
    assert one is not None
    assert (one.n, one.first_only, one.second_only) == (4, 3, 0)
    assert [(task, each.n) for task, each in by_task(MADE, "own", "base")] == [("copa", 4)]
    assert compare(MADE, "own", "cat, typed") is None


def test_agreement_counts_equal_options_right_or_wrong_and_no_failures():
    assert agreement(MADE, "base", "ties, typed") == 0.5
    assert agreement(MADE, "ties, typed", "ties, typed") == 0.5
    assert agreement(MADE, "base", "smear, typed") is None


def test_rows_fall_into_one_stratum_each():
    for strata, names in (
        (by_size(MADE), ["1", "2–3", "4–6", "7 or more"]),
        (
            by_nearest(MADE),
            ["farthest quarter, below 0.62", "second, 0.62–0.75", "third, 0.75–0.88", "nearest quarter, 0.88 or more"],
        ),
    ):
        assert [one.name for one in strata] == names
        rows = [list(one.mask(COPA)) for one in strata]
        assert [sum(column) for column in zip(*rows, strict=True)] == [1] * 4
        assert all(not any(one.mask(MADE.tasks[1])) for one in strata)


def test_where_retrieval_leads_is_a_mean_over_tasks():
    one = found(MADE)
    assert one is not None
    assert (one.heaviest, one.in_nucleus, one.size, one.nearest) == (0.25, 0.5, 3.5, pytest.approx(0.75))
    assert found(MADE, setting="half") is None


@pytest.mark.parametrize(
    ("cat", "words"),
    [
        (ALL, "With every adapter there, merging is better than the base alone: +50.0 (p < .001)."),
        (NONE, "With every adapter there, merging is worse than the base alone: −50.0 (p < .001)."),
        (OTHER_HALF, "merging is neither surely better nor surely worse than the base alone: *0.0 (p = 1.000)*."),
    ],
)
def test_when_merging_helps_depends_on_sign_and_chance(cat: str, words: str):
    assert words in finding(with_all(cat=cat), "When does merging help?")


def test_what_is_found_without_the_own_adapter_is_said_apart():
    text = finding(with_all(cat=ALL, cat_unseen=NONE), "When does merging help?")
    assert "With every adapter there, merging is better than" in text
    assert "Without the row's own adapter, merging is worse than the base alone: −50.0" in text


def test_the_methods_are_named_in_order_with_what_may_be_chance():
    text = finding(with_all(linear=ALL, cat="1" * (ROWS - 1) + "0"), "Which method?")
    assert "means are Linear 100.0, Concatenation 95.0, TIES 50.0 and Magnitude prune 50.0." in text
    assert (
        "Ahead of TIES (+50.0 (p < .001)) and Magnitude prune (+50.0 (p < .001)) by more than chance is Linear." in text
    )
    assert "Between Linear and Concatenation the difference may be chance." in text


@pytest.mark.parametrize(
    ("linear", "words"),
    [
        (ALL, "the weights by themselves add 50.0 points"),
        (NONE, "the weights by themselves cost 50.0 points"),
        (HALF, "is not settled by these rows"),
    ],
)
def test_what_the_weights_add_is_linear_against_uniform(linear: str, words: str):
    assert words in finding(with_all(linear=linear), "How much is it the weights?")


def test_how_often_the_heaviest_adapter_is_as_good_is_counted():
    text = finding(with_all(cat=HALF, top1=OTHER_HALF), "How often is the heaviest adapter")
    assert (
        "choose the same option for 0.0 % of the rows. Only merging is right on 20, only the heaviest adapter on 20"
        in text
    )
    assert "On 2 of 2 tasks the heaviest adapter alone is as good or better." in text


def test_what_beats_the_heaviest_adapter_is_listed_with_a_bar_for_many_comparisons():
    text = finding(with_all(cat=ALL, linear="1" * 14 + "10" * 3), "Does anything beat")
    assert (
        "Of 7 candidates in the setting *seen*, 2 by more than chance: Linear (+35.0 (p < .001)) and Concatenation"
        in text
    )
    assert "With the bar at 0.0071, for so many comparisons: Linear and Concatenation." in text
    assert "none by more than chance" in finding(with_all(), "Does anything beat")


def test_it_fails_where_most_is_lost_against_the_own_adapter():
    text = finding(with_all(own=ALL, cat=HALF), "Where does it fail?")
    assert "is lost on copa −50.0 (p = .002), own task in the nucleus for 100.0 % of its rows; rte −50.0" in text
    assert "Merging is no better on copa and rte than always giving the most frequent answer." in text


def test_where_nothing_is_lost_it_is_said():
    text = finding(with_all(own=HALF, cat=ALL), "Where does it fail?")
    assert "On no task is it behind the own. Merging is no better on copa and rte than always giving the" in text


def test_development_rows_are_held_against_the_test_rows():
    text = findings(with_all(cat=ALL), with_all(cat=NONE))
    assert "Concatenation − Base model: +50.0 (p < .001) and −50.0 (p < .001);" in text
    assert "The sign is the same for 0 of 4." in text


def test_the_document_has_the_figures():
    text = document(with_all(("story_cloze", "piqa", "rte", "boolq"), cat=ALL, ties=NONE), None)
    assert "**Test rows**: 80 rows of 4 tasks. The bank `made`, computed in cpu, float32, none." in text
    assert "| Concatenation | 100.0 (100.0–100.0) | 100.0 (100.0–100.0) |" in text
    assert (
        "| StoryCloze | 20 | 59.0 / 50.0 (30–70) | 51.1 / 100.0 (84–100) | 70.1 / 0.0 (0–16) | 52.8 / 50.0 (30–70) |"
        in text
    )
    assert "| TIES struggles with negation on BoolQ | 20 | 100.0 | Linear, 50.0 | +50.0 (p = .002) | yes |" in text
    assert "| Concatenation errs more in long contexts | 40 | 0.0 | TIES, 100.0 |" in text
    assert "| negation | 80 | 50.0 | 50.0 |" in text
    assert "Of 80 rows, 0 are of no type, 0 of one and 80 of several" in text
    assert "| TIES | −50.0 (p < .001) |" in text
    assert "| 1 | 80 | 50.0 | 50.0 | 100.0 | +50.0 (p < .001) |" in text
    assert "Fusion is Selection OOD, MoE Top1 is Fusion IID" in text
    assert "First is Concatenation here" not in text


def test_a_partial_file_makes_a_whole_document_that_says_what_is_lacking():
    base_alone = graded({"base": HALF})
    text = document(base_alone, None)
    for words in (
        "Development rows were not measured yet: `composer evaluate --source FOLDER --split dev --output assets",
        "The merges were, in the setting *seen*, not measured yet",
        "`pmi`) was not measured yet: `composer evaluate --source FOLDER --split test --pmi",
        "unseen_family, half, tenth, fiftieth, not measured yet",
        "Tasks whose own adapter is taken away were not measured yet",
        "The four methods were not measured yet",
    ):
        assert words in text, words
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    full = document(with_all(), graded({"base": HALF}, split="dev"))
    assert headings == [line for line in full.splitlines() if line.startswith("## ")]
    assert "None" not in text + full
    assert "nan" not in text + full


def test_tasks_without_test_rows_are_shown_by_their_development_rows():
    dev = graded({"base": ALL}, tasks=("copa", "wnli"), split="dev")
    text = document(with_all(), dev)
    assert "| wnli\\* | 20 | 100.0 | 100.0 | – |" in text
    assert "\\* Development rows" in text
    assert "| copa\\*" not in text


def test_a_file_without_types_says_so():
    assert "The error types of the rows were not measured yet" in document(graded({"base": HALF}, tasks=()), None)
