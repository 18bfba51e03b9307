"""Rows: real schemas, deterministic, and nothing that a test row asks about was asked in training."""

from __future__ import annotations

from collections import Counter

import pytest

from composer.microworld.lexicon import is_test, load
from composer.microworld.rows import MAKERS, make_rows
from composer.tasks import TASKS

COUNT = 150
_made: dict[tuple[str, str], list[dict]] = {}


def rows(task: str, split: str) -> list[dict]:
    if (task, split) not in _made:
        _made[task, split] = make_rows(task, split, COUNT)
    return _made[task, split]


def test_every_task_has_a_maker() -> None:
    assert set(MAKERS) == set(TASKS)


@pytest.mark.parametrize("task", sorted(MAKERS))
def test_rows_render_with_no_special_case(task: str) -> None:
    for number, row in enumerate(rows(task, "train")):
        example = TASKS[task].example(row, str(number))
        assert 0 <= example.gold < len(example.options)


@pytest.mark.parametrize("task", sorted(MAKERS))
def test_rows_are_deterministic(task: str) -> None:
    assert make_rows(task, "test", 20) == make_rows(task, "test", 20)


@pytest.mark.parametrize("task", sorted(MAKERS))
def test_there_are_enough_test_rows(task: str) -> None:
    assert len(rows(task, "test")) >= 150


@pytest.mark.parametrize("task", sorted(MAKERS))
def test_no_test_prompt_is_a_training_prompt(task: str) -> None:
    seen = {TASKS[task].example(row, "0").prompt for row in rows(task, "train")}
    shared = [p for row in rows(task, "test") if (p := TASKS[task].example(row, "0").prompt) in seen]
    assert not shared


@pytest.mark.parametrize("task", sorted(MAKERS))
def test_no_answer_position_wins_by_itself(task: str) -> None:
    golds = Counter(TASKS[task].example(row, str(i)).gold for i, row in enumerate(rows(task, "test")))
    options = max(len(TASKS[task].example(row, "0").options) for row in rows(task, "test"))
    assert golds.most_common(1)[0][1] / COUNT < 1 / options + 0.2


def test_things_asked_about_are_disjoint() -> None:
    concepts = [{row["question_concept"] for row in rows("commonsense_qa", split)} for split in ("train", "test")]
    assert not concepts[0] & concepts[1]


def test_causes_asked_about_are_disjoint() -> None:
    def asked(split: str) -> set[str]:
        people = {person.name for person in load().people}
        words = (row["premise"].split() for row in rows("copa", split))
        return {" ".join(w for w in sentence if w not in people) for sentence in words}

    assert not asked("train") & asked("test")


def test_words_of_wic_are_disjoint() -> None:
    words = [{row["word"] for row in rows("wic", split)} for split in ("train", "test")]
    assert not words[0] & words[1]


def test_opinions_are_disjoint() -> None:
    texts = {split: " | ".join(row["sentence"] for row in rows("sst2", split)) for split in ("train", "test")}
    for opinion in load().opinions:
        other = "train" if is_test("opinion", opinion.phrase) else "test"
        akin = [
            o
            for o in load().opinions
            if o is not opinion and (opinion.phrase in o.phrase or o.phrase in opinion.phrase)
        ]
        if len(opinion.phrase) > 12 and not akin:
            assert opinion.phrase.lower() not in texts[other], opinion.phrase


def test_squad_answers_stand_in_their_passages() -> None:
    for row in rows("squad", "test"):
        start, text = row["answers"]["answer_start"][0], row["answers"]["text"][0]
        assert row["context"][start : start + len(text)] == text
