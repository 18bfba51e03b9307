"""What stands above the fold, and the grid of all answers: both of one trace."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from composer.merging import METHODS
from composer.types import Failure, Prediction, Trace
from composer.ui import fold, grid, svg
from composer.ui.answers import answers_of
from composer.ui.running import Run
from composer.ui.words.agreement import groups, verdict

from .sample import HOSTILE, inputs, prediction, trace

FOUR = ("linear", "cat", "ties", "magnitude_prune")
CHOSEN = {"linear": 1, "cat": 1, "ties": 0, "magnitude_prune": 1}


def whole(chosen: dict[str, int] = CHOSEN, **changes: object) -> Trace:
    """With references; the base chose option 0."""
    return replace(trace(chosen), **{"references": (prediction("top1", 1), prediction("uniform", 0)), **changes})


def minis(html: str) -> list[tuple[str, str]]:
    return re.findall(r'<li class="ac-mini ([\w-]+)" data-candidate="(\w+)"', html)


def test_the_fold_marks_who_says_something_else_than_the_base():
    html = fold.draw(Run(inputs(), whole()))
    assert minis(html) == [
        ("ac-base", "base"),
        ("ac-flip", "top1"),
        ("ac-flip", "linear"),
        ("ac-flip", "cat"),
        ("ac-same", "ties"),
        ("ac-flip", "magnitude_prune"),
    ]
    assert "<h2>Base: “here”. Three merges flip to “there”; TIES stays.</h2>" in html
    assert "The heaviest adapter alone: “there”; the uniform merge: “here”." in html
    assert 'class="ac-question" title="Where?">Where?<' in html


def test_right_and_wrong_are_marked_where_that_is_known():
    html = fold.draw(Run(inputs(), whole()), gold=1)
    assert (html.count('class="ac-right"'), html.count('class="ac-wrong"')) == (4, 2)
    assert not re.search("ac-right|ac-wrong", fold.draw(Run(inputs(), whole())))
    table = grid.draw(whole(), inputs(), gold=1).partition("</table>")[0]
    assert table.count("ac-right") == 1 and table.index("ac-right") > table.index("there")


def test_while_the_models_work_every_place_is_there_already():
    waiting = Run(inputs(), whole(predictions=(), references=(), contributions=()))
    html = fold.draw(waiting)
    assert "Asking the base model and four merges …" in html and 'aria-busy="true"' in html
    assert html.count('class="ac-mini"') == html.count("ac-skeleton-bar") == 6
    half = fold.draw(replace(waiting, trace=replace(waiting.trace, predictions=whole().predictions[:3])))
    assert "Two of four merges have answered …" in half and half.count("ac-skeleton-bar") == 3
    table = grid.draw(waiting.trace, waiting.inputs, waiting.waiting)
    assert table.count("ac-skeleton-bar") == 2 * 7 and 'aria-busy="true"' in table
    assert "data-trace" not in table and "data-run" not in table


def test_without_answers_the_fold_invites_and_does_not_fold_the_form_away():
    html = fold.invitation(Run(inputs(), whole(predictions=(), references=())))
    assert "Press “Compare merges”" in html and "data-ask" not in html and "aria-busy" not in html


def test_the_grid_has_a_row_for_each_option_and_a_column_for_each_candidate():
    html = grid.draw(whole(), inputs())
    assert re.findall(r'<th scope="col"[^>]* data-candidate="(\w+)"', html) == ["base", "top1", "uniform", *FOUR]
    assert dict(re.findall(r'data-method="(\w+)" data-chosen="(\d)"', html)) == {
        "base": "0",
        "top1": "1",
        "uniform": "0",
        **{name: str(option) for name, option in CHOSEN.items()},
    }
    assert html.count('<th scope="row" role="rowheader"><div>') == 2
    assert re.findall(r'<td role="cell">(\d+ points)</td>', html) == ["40 points"] * 7
    assert "Heaviest adapter</span><small>piqa</small>" in html
    assert all(METHODS[name].title in html and METHODS[name].sentence.split("'")[0] in html for name in FOUR)


def test_the_time_of_a_joint_pass_is_told_once():
    assert grid.draw(whole(), inputs()).count("60 ms, in one joint pass") == 1
    base, *others = whole().predictions
    apart = whole(predictions=(replace(base, milliseconds=8.0), *others))
    assert grid.draw(apart, inputs()).count("56 ms, one after another") == 1


def test_an_exact_tie_crowns_nobody():
    even = Prediction("ties", (-1.0, -1.0), (-1.0, -1.0), (0.5, 0.5), 0, 12.0)
    tied = whole(predictions=(*whole().predictions[:3], even, *whole().predictions[4:]))
    assert [one.name for one in answers_of(tied, FOUR) if one.is_tied] == ["ties"]
    html = grid.draw(tied, inputs())
    assert 'data-method="ties"' not in html and ">a tie<" in html
    fold_html = fold.draw(Run(inputs(), tied), gold=1)
    assert "A tie" in fold_html and "50\u202f% each" in fold_html and "TIES is tied" in fold_html


def test_a_method_that_failed_says_why_and_the_others_live():
    made = whole({"linear": 1, "cat": 1}, failures=(Failure("ties", "the ranks differ. Choose cat."),))
    asked = inputs(methods=("linear", "cat", "ties"))
    html = grid.draw(made, asked)
    assert "<b>TIES</b>: no answer. The ranks differ. Choose cat." in html
    assert len(re.findall('data-chosen="', html)) == 5
    assert ("ac-failed", "ties") in minis(fold.draw(Run(asked, made)))


def test_a_reference_that_failed_says_why():
    html = grid.draw(whole(references=(prediction("top1", 1), Failure("uniform", "no room."))), inputs())
    assert "<b>Uniform</b>: no answer. No room." in html


def test_hostile_text_is_escaped_everywhere():
    made = replace(whole(), query=replace(whole().query, text=HOSTILE, options=(HOSTILE, "b")))
    html = grid.draw(made, inputs(options=f"{HOSTILE}\nb")) + fold.draw(Run(inputs(), made)) + svg.answers.draw(made)
    assert "<img" not in html
    assert html.count("&lt;img") >= 5


def test_the_saved_answers_hold_the_references_too():
    drawn = svg.answers.draw(whole())
    heads = re.findall(r'font-weight="600">([^<]+)</text>', drawn)
    titles = ["Base model", "Heaviest adapter", "Uniform", *(METHODS[name].title for name in FOUR)]
    assert [head for head in heads if head in titles] == titles


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ((0, 0, 0, 0), "All four agree"),
        ((0, 0, 1, 0), "Three of four agree"),
        ((0, 0, 1, 1), "They are split"),
        ((0, 0, 1, 2), "Two of four agree"),
        ((0, 1, 2, 3), "They all disagree"),
    ],
)
def test_the_gallerys_verdict_counts_the_votes_of_the_merges(chosen: tuple[int, ...], words: str):
    made = trace(dict(zip(FOUR, chosen, strict=True)), options=("a", "b", "c", "d"))
    assert verdict(made, FOUR) == words
    assert sum(len(names) for _, names in groups(made, FOUR)) == 4
