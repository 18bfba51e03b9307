"""The wrong options of a squad example are spans of its passage that no right answer covers."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from composer.tasks import TASKS
from composer.tasks.draw import draw, insert_gold
from composer.tasks.spans import distractors

PASSAGE = (
    "The Elm Bridge opened in 1931. Lord Carrow paid for the Stone Tower in 1874, and the Fish Market followed in 1902."
    " Visitors from Upper Velm cross the old river in wooden boats, while fresh bread and smoked eel are sold nearby."
)
WORDS = sorted(set(PASSAGE.replace(".", "").replace(",", "").split()))


def squad(answer: str, row_id: str, *others: str) -> tuple[tuple[str, ...], int]:
    row = {"context": PASSAGE, "question": "What is it?", "answers": {"text": [answer, *others], "answer_start": [0]}}
    example = TASKS["squad"].example(row, row_id)
    return example.options, example.gold


def test_rivals_of_a_year_are_years() -> None:
    assert set(distractors(PASSAGE, "When did the bridge open?", ["1931"], "s", count=2)) == {"1874", "1902"}


def test_rivals_of_a_name_are_names() -> None:
    found = distractors(PASSAGE, "Who paid for the tower?", ["Lord Carrow"], "s")
    assert set(found) <= {"Elm Bridge", "Stone Tower", "Fish Market", "Upper Velm"}
    assert len(found) == 3


def test_what_the_question_names_comes_last() -> None:
    names = ["Elm Bridge", "Fish Market", "Upper Velm"]
    assert sorted(distractors(PASSAGE, "Who paid for the Stone Tower?", ["Lord Carrow"], "s")) == names


@given(first=st.sampled_from(WORDS), second=st.sampled_from(WORDS), seed=st.text(max_size=5))
def test_no_rival_contains_a_right_answer_or_is_contained_in_one(first: str, second: str, seed: str) -> None:
    found = distractors(PASSAGE, "What is it?", [first, second], seed)
    assert len(found) <= 3
    for span in found:
        assert span in PASSAGE
        for answer in (first, second):
            assert span.lower() not in answer.lower()
            assert answer.lower() not in span.lower() or answer.lower() in ("the", "a")


def test_rivals_do_not_contain_each_other() -> None:
    found = distractors(PASSAGE, "What is sold?", ["eel"], "s")
    assert not [(a, b) for a in found for b in found if a != b and a in b]


def test_the_row_id_alone_decides_the_options() -> None:
    assert squad("1931", "train-1") == squad("1931", "train-1")
    assert len({squad("fresh bread", f"train-{number}") for number in range(20)}) > 5


def test_the_place_of_the_gold_answer_varies_evenly() -> None:
    places = Counter(squad("1931", f"train-{number}", "in 1931")[1] for number in range(200))
    assert set(places) == {0, 1, 2, 3}
    assert min(places.values()) > 30


@given(items=st.lists(st.text(), unique=True), count=st.integers(0, 10), seed=st.text())
def test_a_draw_keeps_the_order_and_ignores_it(items: list[str], count: int, seed: str) -> None:
    drawn = draw(items, count, seed)
    assert len(drawn) == min(count, len(items))
    assert list(drawn) == [item for item in items if item in drawn]
    assert set(drawn) == set(draw(reversed(items), count, seed))


@given(others=st.lists(st.text(min_size=1), max_size=7), seed=st.text())
def test_inserting_gold_keeps_the_others_in_order(others: list[str], seed: str) -> None:
    options, place = insert_gold("gold answer", others, seed)
    assert options[place] == "gold answer"
    assert [*options[:place], *options[place + 1 :]] == others
