from __future__ import annotations

import pytest

from composer.ui.options import short, telling


def test_long_options_lose_the_words_that_all_begin_with():
    ball, racket = (f"You can purchase a tennis {thing} at any sports store." for thing in ("ball", "racket"))
    assert telling((ball, racket)) == ("… ball at any sports store.", "… racket at any sports store.")


@pytest.mark.parametrize(
    "options",
    [
        ("a bakery", "a camping store", "a shoe store"),
        ("He came back to a black, burned cake.", "She came back to a cold swimming pool."),
        ("a dog that sleeps in the sun all day long", "a cat that sleeps in the sun all day long"),
        ("The man went to buy a newspaper and milk.", "The man stayed at home and read a book."),
    ],
    ids=["short", "nothing in common", "one word in common", "two words in common"],
)
def test_options_that_need_it_not_are_left_whole(options: tuple[str, ...]):
    assert telling(options) == options


def test_every_option_keeps_a_word():
    longer = "it fell from the table in the kitchen and broke"
    assert telling((longer, "it fell from the table")) == ("… table in the kitchen and broke", "… table")


def test_what_is_cut_still_tells_the_options_apart():
    ends = ("Two men in red shirts play chess outside", "Two men in red shirts play chess indoors")
    other = "A dog sleeps"
    assert short((*ends, other), 20) == ("… outside", "… indoors", "A dog sleeps")
    assert short(("a bakery", "a shop"), 20) == ("a bakery", "a shop")
    assert all(len(text) <= 20 for text in short(("x" * 50, "y" * 50), 20))
