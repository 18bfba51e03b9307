from __future__ import annotations

from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.errors import QueryError, SettingsError
from composer.ui.inputs import from_query, option_lines, to_query_string

from .sample import HOSTILE, inputs

words = st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), min_size=1).filter(lambda s: s.strip() == s)


@given(words, st.lists(words, min_size=2, max_size=8), st.floats(0.05, 1), st.integers(1, 200), st.booleans())
def test_a_link_reproduces_all_inputs(question: str, options: list[str], top_p: float, top_k: int, embed: bool):
    made = inputs(
        question=question, options="\n".join(options), top_p=top_p, top_k=top_k, methods=("ties",), embed_options=embed
    )
    assert from_query(parse_qs(to_query_string(made), keep_blank_values=True), inputs()) == made


def test_a_link_without_a_question_is_no_run():
    assert from_query({}, inputs()) is None


def test_a_link_with_words_for_a_number_is_refused_in_a_sentence():
    with pytest.raises(SettingsError, match="no number"):
        from_query({"q": ["x"], "p": ["lots"]}, inputs())


def test_blank_lines_are_no_options():
    assert option_lines("a\n\n  b  \n") == ("a", "b")


@pytest.mark.parametrize(
    "changes",
    [
        {"question": "  "},
        {"options": "one"},
        {"options": "a\na"},
        {"options": "\n".join("abcdefghi")},
        {"question": "\0"},
    ],
)
def test_what_cannot_be_asked_is_a_query_error(changes: dict[str, str]):
    with pytest.raises(QueryError):
        inputs(**changes).query()


@pytest.mark.parametrize(
    "changes", [{"top_p": None}, {"top_p": 0}, {"top_k": 1.5}, {"density": 2}, {"normalization": "x"}]
)
def test_a_setting_out_of_range_is_a_settings_error(changes: dict[str, object]):
    with pytest.raises(SettingsError):
        inputs(**changes).settings()


def test_hostile_text_is_only_text():
    assert inputs(question=HOSTILE).query().text == HOSTILE
