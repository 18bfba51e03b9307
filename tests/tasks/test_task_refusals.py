"""A row that holds no usable question is refused by name."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from composer.errors import ComposerError, TaskError
from composer.tasks import TASKS

CASES: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "invented_rows.json").read_text())


def refusal(name: str, **changes: Any) -> str:
    with pytest.raises(TaskError) as caught:
        TASKS[name].example({**copy.deepcopy(CASES[name]["row"]), **changes}, "dev-9")
    assert isinstance(caught.value, ComposerError)
    assert str(caught.value).startswith(f"{name} row dev-9: ")
    return str(caught.value)


@pytest.mark.parametrize("name", [name for name, task in TASKS.items() if task.labels])
def test_the_label_of_an_unlabelled_split_is_refused(name: str) -> None:
    assert "column 'label' is -1" in refusal(name, label=-1)


@pytest.mark.parametrize("label", [2, "", None, 0.0, "yes"])
def test_a_label_out_of_range_or_not_a_number_is_refused(label: object) -> None:
    assert f"column 'label' is {label!r}" in refusal("sst2", label=label)


def test_story_cloze_counts_its_endings_from_one() -> None:
    assert "'answer_right_ending' is 0; it must be from 1 to 2" in refusal("story_cloze", answer_right_ending=0)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("piqa", "sol2"),
        ("qqp", "question1"),
        ("mnli", "hypothesis"),
        ("boolq", "passage"),
        ("yelp", "text"),
        ("wic", "word"),
    ],
)
@pytest.mark.parametrize("value", ["", " <br /> \n", None, float("nan"), 3])
def test_a_blank_column_is_refused(name: str, column: str, value: object) -> None:
    assert f"column {column!r} is {value!r}" in refusal(name, **{column: value})


def test_two_equal_options_are_named() -> None:
    choices = {"label": ["A", "B", "C"], "text": ["lake", "sea", "lake "]}
    assert "options 1 and 3 are the same ('lake')" in refusal("commonsense_qa", choices=choices)


def test_a_blank_option_is_named() -> None:
    choices = {"label": ["A", "B"], "text": ["lake", " "]}
    assert "column 'choices.text[1]' is ' '" in refusal("openbookqa", choices=choices, answerKey="A")


def test_an_option_over_the_limit_is_refused() -> None:
    assert "option 2 has 2,001 characters" in refusal("piqa", sol2="x" * 2001)


def test_a_question_over_the_limit_is_refused_unless_it_is_a_review() -> None:
    assert "the question has" in refusal("rte", premise="word " * 900)


def test_half_a_surrogate_pair_is_refused() -> None:
    assert "surrogate" in refusal("sst2", sentence="good \ud83d film")


@pytest.mark.parametrize("key", ["", "F", None])
def test_an_answer_key_without_a_choice_is_refused(key: object) -> None:
    assert f"column 'answerKey' is {key!r}" in refusal("commonsense_qa", answerKey=key)


def test_choices_that_are_no_pair_of_lists_are_refused() -> None:
    assert "column 'choices' is ['a', 'b']" in refusal("openbookqa", choices=["a", "b"])
    assert "column 'choices.text' is 'ab'" in refusal("openbookqa", choices={"text": "ab", "label": ["A", "B"]})


def test_a_copa_question_is_cause_or_effect() -> None:
    assert "column 'question' is 'why'; it must be cause or effect" in refusal("copa", question="why")


def test_a_record_row_without_a_right_entity_is_refused() -> None:
    assert "column 'answers' is []" in refusal("record", answers=[])
    assert "column 'answers' is ['Paris']" in refusal("record", answers=["Paris"])


def test_a_record_row_with_one_option_is_refused() -> None:
    assert "1 answer options were given" in refusal("record", entities=["Oslin"])


def test_a_record_query_without_a_blank_is_refused() -> None:
    assert "it must hold @placeholder" in refusal("record", query="No blank here.")


def test_a_squad_row_without_answer_or_rival_is_refused() -> None:
    assert "column 'answers.text' is []" in refusal("squad", answers={"text": [], "answer_start": []})
    assert "column 'context' has no span" in refusal("squad", context="It was in 1931.")


def test_a_long_value_is_shortened_in_the_message() -> None:
    assert len(refusal("copa", question="x" * 5000)) < 200
