from __future__ import annotations

import pytest

from composer.ui.options import telling


def test_long_options_lose_the_words_that_all_begin_with():
    ball, racket = (f"You can purchase a tennis {thing} at any sports store." for thing in ("ball", "racket"))
    assert telling((ball, racket)) == ("… ball at any sports store.", "… racket at any sports store.")


@pytest.mark.parametrize(
    "options",
    [
        ("a bakery", "a camping store", "a shoe store"),
        ("He came back to a black, burned cake.", "She came back to a cold swimming pool."),
    ],
    ids=["short", "nothing in common"],
)
def test_options_that_need_it_not_are_left_whole(options: tuple[str, ...]):
    assert telling(options) == options


def test_every_option_keeps_a_word():
    longer = "it fell from the table in the kitchen and broke"
    assert telling((longer, "it fell from the table")) == ("… table in the kitchen and broke", "… table")
