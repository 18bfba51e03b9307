"""The results as the page shows them: every figure, its doubt in words, and the order of the tasks."""

from __future__ import annotations

import html
import json
import logging
import re
from dataclasses import replace
from pathlib import Path

import pytest

from composer.config import Settings
from composer.evaluation.results_file import write_results
from composer.lineup import LINEUP
from composer.ui import grid, results
from composer.ui.measured import HELD_OUT, Measured, View, read_measured, read_paper
from composer.ui.words import accuracy

from .made_results import RIGHT, evaluation
from .sample import HOSTILE, inputs, trace

PAPER = {"commonsense_qa": {"cat": 71.5}, "rte": {"cat": 77.62}}
MADE = Measured(evaluation(), PAPER)
FIRST = View("typed", "seen")
NAMES = ["base", "own", "top1", "cat", "ties"]


def table(measured: Measured, view: View) -> dict[str, list[str]]:
    """Heading of each row to its cells' text, from the HTML; a family's row has none."""
    found = {}
    for row in re.findall(r"<tr.*?</tr>", results.draw(measured, view)):
        heading = re.sub(r"<[^>]+>", "", re.search(r"<th.*?</th>", row).group())
        found[heading] = [re.sub(r"<[^>]+>", " ", cell).split() for cell in re.findall(r"<td.*?</td>", row)]
    return {heading: [cell[0] if cell else "" for cell in cells] for heading, cells in found.items()}


def hint(task: str, candidate: str, view: View = FIRST, measured: Measured = MADE) -> str:
    """What is said of a cell, from the HTML."""
    place = list(measured.columns(view)).index(candidate) + 1
    row = next(row for row in re.findall(r"<tr.*?</tr>", results.draw(measured, view)) if f"</i>{task}</th>" in row)
    cell = re.findall(r"<td.*?</td>", row)[place]
    return html.unescape(re.search(r'data-hint="([^"]*)"', cell).group(1))


def order(view: View) -> list[str]:
    return [task for tasks in MADE.groups(view).values() for task in tasks]


# -- what is in the table


def test_every_cell_of_the_view_is_there_and_what_is_lacking_is_a_dash():
    assert list(MADE.columns(FIRST)) == NAMES
    shown = table(MADE, FIRST)
    for task, right in RIGHT.items():
        accuracies = [right.get(name, right.get(f"{name}, typed")) for name in NAMES]
        wanted = ["–" if count is None else f"{100 * count / 40:.0f}" for count in accuracies]
        assert shown[task] == ["50", *wanted]
    assert shown["rte"][3] == shown["imdb"][2] == "–"


def test_the_mean_stands_on_top_of_the_tasks_that_have_an_adapter_with_its_interval():
    shown = table(MADE, FIRST)
    assert list(shown)[1] == "Mean of 3 tasks"
    assert shown["Mean of 3 tasks"] == ["", f"{100 * 52 / 120:.1f}", "72.5", "–", f"{100 * 53 / 120:.1f}", "47.5"]
    interval = MADE.evaluation.interval("own")
    assert f"<small>{100 * interval.low:.0f}–{100 * interval.high:.0f}</small>" in results.draw(MADE, FIRST)


def test_more_candidates_come_on_demand_each_once():
    assert MADE.others(FIRST) == 2
    assert list(MADE.columns(replace(FIRST, more=True))) == [*NAMES, "soup", "svd"]
    assert "2 more candidates" in results.draw(MADE, FIRST)


def test_a_view_shows_the_columns_of_its_way_of_asking_and_its_setting():
    assert MADE.asked == ("typed", "hinted") and MADE.settings == ("seen", "unseen")
    assert MADE.columns(View("hinted", "seen")) == {"base": "base", "own": "own", "cat": "cat, hinted"}
    # what was taken away cannot matter to the base, and the own adapter stays as what only an oracle has
    assert MADE.columns(View("typed", "unseen")) == {"base": "base", "own": "own", "cat": "cat, typed, unseen"}
    assert "soup" not in MADE.columns(View("typed", "unseen", more=True))


def test_what_stays_although_it_is_taken_away_is_said():
    assert "Own adapter stays for comparison." in results.draw(MADE, View("typed", "unseen"))
    assert "stays for" not in results.draw(MADE, FIRST)


def test_where_there_is_one_choice_there_is_no_switch():
    few = {task: {"base": 1, "own": 2, "cat, typed": 3} for task in ("copa", "cb")}
    shown = results.draw(Measured(evaluation(few)), FIRST)
    assert 'id="ac-view-' not in shown and 'id="ac-more"' not in shown


def test_titles_come_from_the_line_up():
    shown = results.draw(MADE, replace(FIRST, more=True))
    heads = re.findall(r'<button type="button" id="ac-by-(\w+)"[^>]*>([^<]+)<', shown)
    assert {name: title for name, title in heads if name != "task"} == {
        name: LINEUP[name].title for name in [*NAMES, "soup", "svd"]
    }


def test_hostile_names_are_escaped():
    shown = results.draw(Measured(evaluation({HOSTILE: RIGHT["rte"]})), FIRST)
    assert "<img" not in shown and "&lt;img" in shown
    json.loads(html.unescape(re.search(r'data-view="([^"]*)"', shown).group(1)))


# -- what is said of a cell


def test_a_cell_says_how_many_rows_its_interval_and_how_far_from_the_base():
    words = hint("commonsense_qa", "own")
    assert "75\u202f% of 40 questions right (95 % interval 60 to 86)" in words
    assert "50 points above the base model, which chance alone would rarely make (p < 0.001)." in words
    assert "45 points below the base model" in hint("sst2", "cat")
    assert "base model" not in hint("sst2", "base").removeprefix("Base model")


def test_what_may_be_chance_says_so_and_is_pale():
    assert "2 points above the base model, which may be chance (p = 1.00)." in hint("rte", "own")
    assert "As many as the base model has right" in hint("sst2", "ties")
    sure, unsure = (MADE.figure(*cell) for cell in (("commonsense_qa", "ties, typed"), ("sst2", "cat, typed")))
    assert results.shade(sure) == ("ac-gain ac-chance", pytest.approx(0.025 / 0.4 * results.CHANCE_SHADE))
    assert results.shade(unsure) == ("ac-loss", 1.0)
    assert results.CHANCE_SHADE <= results.LEAST_SHADE < 1
    assert results.shade(MADE.figure("sst2", "base")) == ("", 0.0)


def test_rows_without_an_answer_are_told():
    measured = Measured(evaluation(failed=3))
    assert "3 of them had no answer, and count as wrong." in hint("sst2", "ties", measured=measured)


def test_without_the_base_nothing_is_compared():
    bare = Measured(evaluation({"copa": {"own": 30, "cat, typed": 20}}))
    assert bare.figure("copa", "own").against_base is None
    assert "ac-gain" not in results.draw(bare, FIRST).partition("</table>")[0]


def test_the_papers_figure_stands_by_its_method_where_no_adapter_is_taken_away():
    assert "The paper prints 71.50\u202f%" in hint("commonsense_qa", "cat")
    assert "paper" not in hint("commonsense_qa", "ties") + hint("sst2", "cat")
    assert "paper" not in results.draw(MADE, View("typed", "unseen")).lower()


def test_the_papers_figures_are_of_tasks_and_methods_that_there_are():
    from composer.merging import METHODS
    from composer.tasks import TASKS
    from composer.ui.outcomes import RESULTS

    paper = read_paper(RESULTS / "paper.json")
    assert len(paper) == 15 and set(paper) <= set(TASKS)
    assert all(set(methods) <= set(METHODS) for methods in paper.values())
    assert paper["rte"] == {"linear": 77.62, "cat": 77.62, "ties": 74.73, "magnitude_prune": 76.9}


# -- order


def test_tasks_stand_by_family_until_a_column_sorts_them():
    assert list(MADE.groups(FIRST)) == ["commonsense", "inference", "sentiment", HELD_OUT]
    by_cat = FIRST.sorted_by("cat")
    assert order(by_cat) == ["commonsense_qa", "rte", "sst2", "imdb"]
    assert list(MADE.groups(by_cat)) == ["", HELD_OUT]
    assert order(by_cat.sorted_by("cat")) == ["sst2", "rte", "commonsense_qa", "imdb"]
    assert by_cat.sorted_by("cat").sorted_by("cat") == FIRST


def test_tasks_that_lack_the_column_come_last_either_way():
    for rising in (False, True):
        assert order(replace(FIRST, by="top1", rising=rising))[:3][-1] == "rte"


def test_the_sorted_column_says_so():
    shown = results.draw(MADE, replace(FIRST, by="cat", rising=True))
    assert re.findall(r'aria-sort="(\w+)"', shown) == ["none", "none", "none", "ascending", "none"]


@pytest.mark.parametrize("sent", [None, [], "x", {"asked": HOSTILE, "setting": ["seen"], "by": {}, "more": "yes"}])
def test_a_view_that_does_not_exist_is_the_first_one(sent: object):
    assert MADE.view(sent) == FIRST


def test_each_button_leads_to_a_view_that_there_is():
    shown = results.draw(MADE, replace(FIRST, by="cat"))
    views = [json.loads(html.unescape(one)) for one in re.findall(r'data-view="([^"]*)"', shown)]
    assert View(**views[0]) == replace(FIRST, by="cat")
    assert all(MADE.view(view) == View(**view) for view in views)


# -- the lines elsewhere


def test_the_answers_say_how_good_the_model_is_at_the_heaviest_task():
    words = accuracy.of_answers(MADE, "commonsense_qa", ("cat", "ties", "svd"), Settings())
    assert words.replace("\u202f", " ") == (
        "On 40 real test questions of commonsense_qa, the heaviest task: base model 25 %, its own adapter 75 %,"
        " Concatenation 70 %, TIES 28 %, SVD 68 %; guessing 50 %."
    )
    assert words in grid.draw(trace({"cat": 0}), inputs(methods=("cat",)), accuracy=words)


def test_the_line_says_where_the_settings_are_not_those_of_the_measurement():
    other = inputs(top_p=0.5).settings()
    assert "other settings" in accuracy.of_answers(MADE, "rte", ("cat",), other)
    assert "other settings" not in accuracy.of_answers(MADE, "rte", (), other)


def test_of_a_task_that_was_not_asked_nothing_is_said():
    assert accuracy.of_answers(MADE, "piqa", ("cat",), Settings()) == ""
    assert "ac-accuracy" not in grid.draw(trace({"cat": 0}), inputs())


# -- the file


def test_the_test_rows_come_first_and_the_development_rows_where_there_are_none(tmp_path: Path):
    assert read_measured("made", tmp_path) is None
    write_results(tmp_path / "made-dev.json", replace(evaluation(), split="dev"))
    assert read_measured("made", tmp_path).evaluation.split == "dev"
    write_results(tmp_path / "made-test.json", evaluation())
    found = read_measured("made", tmp_path)
    assert results.draw(found, FIRST) == results.draw(Measured(evaluation()), FIRST)


def test_a_file_of_another_shape_leaves_the_page_without_results_and_a_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "made-test.json").write_text('{"bank": "made", "split": "test", "tasks": {}}', encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        assert read_measured("made", tmp_path) is None
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "made-test.json cannot be read" in caplog.text
