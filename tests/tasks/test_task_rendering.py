"""Every task renders a row in its data set's own schema. The rows are invented."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from composer.errors import TaskError
from composer.tasks import FAMILIES, HELD_OUT, TASKS, TRAINED, Example, find_task
from composer.types import MAX_QUESTION_CHARS

CASES: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "invented_rows.json").read_text())
MULTIPLE_CHOICE = [name for name, task in TASKS.items() if not task.labels]
LABELLED = [name for name, task in TASKS.items() if task.labels]


class Reads(Mapping[str, Any]):
    """A row that remembers which of its columns were read."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.row, self.read = row, set[str]()

    def __getitem__(self, column: str) -> Any:
        self.read.add(column)
        return self.row[column]

    def __contains__(self, column: object) -> bool:
        return column in self.row

    def __iter__(self) -> Iterator[str]:
        return iter(self.row)

    def __len__(self) -> int:
        return len(self.row)


def render(name: str, **changes: Any) -> Example:
    return TASKS[name].example({**copy.deepcopy(CASES[name]["row"]), **changes}, "train-1")


def test_every_task_is_tested_here() -> None:
    assert set(CASES) == set(TASKS)


def test_there_are_22_tasks_in_six_families_and_two_held_out() -> None:
    assert len(TRAINED) == 22
    assert HELD_OUT == ("imdb", "mnli_mm")
    assert sorted(name for names in FAMILIES.values() for name in names) == sorted(TRAINED)
    assert [len(names) for names in FAMILIES.values()] == [6, 5, 5, 3, 2, 1]
    assert all(TASKS[name].family in FAMILIES for name in HELD_OUT)


@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_registered_under_its_own_name(name: str) -> None:
    assert TASKS[name].name == name


@pytest.mark.parametrize("name", CASES)
def test_a_row_becomes_question_context_options_and_gold(name: str) -> None:
    example, case = render(name), CASES[name]
    assert example.question == case["question"]
    assert example.context == case["context"]
    if case["options"] is not None:
        assert (list(example.options), example.gold) == (case["options"], case["gold"])
    else:
        assert example.options[example.gold] == case["gold_text"]


@pytest.mark.parametrize("name", CASES)
def test_text_has_the_hint_and_prompt_has_not(name: str) -> None:
    example = render(name)
    assert example.text == f"{TASKS[name].hint}\n{example.prompt}"
    assert example.query().retrieval_text == example.text
    assert TASKS[name].hint not in example.prompt


@pytest.mark.parametrize("name", LABELLED)
def test_text_and_prompt_do_not_depend_on_the_label(name: str) -> None:
    variants = [render(name, label=label) for label in range(len(TASKS[name].labels))]
    assert [variant.gold for variant in variants] == list(range(len(TASKS[name].labels)))
    assert len({(variant.text, variant.prompt, variant.options) for variant in variants}) == 1
    assert variants[0].options == TASKS[name].labels


@pytest.mark.parametrize("name", [name for name in MULTIPLE_CHOICE if name not in ("squad", "record")])
def test_no_option_is_in_the_text(name: str) -> None:
    example = render(name)
    assert not [option for option in example.options if option in example.text]


def test_the_gold_answer_of_a_passage_is_in_the_passage_alone() -> None:
    for name in ("squad", "record"):
        example = render(name)
        assert example.options[example.gold] not in f"{example.hint}\n{example.question}"


@pytest.mark.parametrize("name", TASKS)
def test_a_source_names_exactly_the_columns_that_rendering_reads(name: str) -> None:
    row = Reads(CASES[name]["row"])
    TASKS[name].example(row, "train-1")
    assert row.read == set(TASKS[name].source.columns)


@pytest.mark.parametrize("name", TASKS)
def test_a_missing_column_is_named(name: str) -> None:
    for column in set(TASKS[name].source.columns) - {"activity_label"}:
        row = {key: value for key, value in CASES[name]["row"].items() if key != column}
        with pytest.raises(TaskError, match=rf"{name} row train-1: column '{column}' is missing"):
            TASKS[name].example(row, "train-1")


def test_cb_orders_its_labels_unlike_mnli() -> None:
    assert TASKS["mnli"].labels == TASKS["anli_r3"].labels == TASKS["mnli_mm"].labels
    assert TASKS["mnli"].labels == ("entailment", "neutral", "contradiction")
    assert TASKS["cb"].labels == ("entailment", "contradiction", "neutral")


def test_rte_and_wnli_order_their_labels_oppositely() -> None:
    assert TASKS["rte"].labels == tuple(reversed(TASKS["wnli"].labels)) == ("entailment", "not entailment")


def test_hints_are_distinct_single_sentences() -> None:
    hints = [task.hint for task in TASKS.values()]
    assert len(set(hints)) == len(hints)
    assert all("\n" not in hint and hint[-1] in ".?" and len(hint) < 100 for hint in hints)


@pytest.mark.parametrize("name", LABELLED)
def test_a_hint_names_all_labels_or_none(name: str) -> None:
    words = re.findall(r"\w+", TASKS[name].hint.lower())
    named = [label for label in TASKS[name].labels if set(label.split()) <= set(words)]
    assert named in ([], list(TASKS[name].labels))


def test_copa_asks_for_the_result_of_an_effect_row() -> None:
    assert render("copa", question="effect").question == "The kettle whistled.\nWhat happened as a result?"


def test_the_activity_of_hellaswag_is_the_one_column_that_may_lack() -> None:
    row = {key: value for key, value in CASES["hellaswag"]["row"].items() if key != "activity_label"}
    assert TASKS["hellaswag"].example(row, "train-1") == render("hellaswag", activity_label="")
    assert render("hellaswag", activity_label="").question.startswith("Text: How to bake bread.")


def test_story_cloze_reads_the_organizers_own_columns_too() -> None:
    hub = CASES["story_cloze"]["row"]
    own = {f"InputSentence{number}": hub[f"input_sentence_{number}"] for number in range(1, 5)}
    own |= {f"RandomFifthSentenceQuiz{number}": hub[f"sentence_quiz{number}"] for number in (1, 2)}
    row = {"InputStoryid": "c3", **own, "AnswerRightEnding": "2"}
    assert TASKS["story_cloze"].example(row, "train-1") == render("story_cloze")


def test_record_leaves_out_other_right_answers() -> None:
    example = render("record", answers=["Ida Holm", "Holm"])
    assert example.options == ("Ida Holm", "Velm", "Oslin")
    assert example.gold == 0


def test_record_with_many_entities_keeps_gold_and_seven_others() -> None:
    entities = [f"Town {number}" for number in range(30)]
    example = render("record", entities=entities, answers=["Town 17"])
    assert len(example.options) == 8
    assert example.options[example.gold] == "Town 17"
    assert list(example.options) == [entity for entity in entities if entity in example.options]
    assert example == render("record", entities=entities, answers=["Town 17"])


def test_a_review_within_the_limit_is_whole() -> None:
    review = "Good. " * 660 + "The end."
    assert render("imdb", text=review).question == f"Review: {review}"


def test_a_review_over_the_limit_ends_with_a_sentence() -> None:
    question = render("yelp", text="We met Mr. Oaks of the U.S. team. " * 200).question
    assert MAX_QUESTION_CHARS - 40 < len(question) <= MAX_QUESTION_CHARS
    assert question.endswith("Mr. Oaks of the U.S. team.")


def test_a_review_without_sentences_ends_with_a_word() -> None:
    question = render("imdb", text="gripping " * 600).question
    assert MAX_QUESTION_CHARS - 10 < len(question) <= MAX_QUESTION_CHARS
    assert question.endswith(" gripping")


def test_an_unknown_task_gets_the_nearest_name() -> None:
    assert find_task("piqa") is TASKS["piqa"]
    with pytest.raises(TaskError, match=r"unknown task 'hellaswg'. Did you mean 'hellaswag'\?"):
        find_task("hellaswg")
