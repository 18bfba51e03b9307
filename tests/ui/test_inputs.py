from __future__ import annotations

import pytest

from composer.errors import QueryError, SettingsError
from composer.ui.inputs import option_lines

from .sample import HOSTILE, inputs


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
