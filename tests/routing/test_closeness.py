from __future__ import annotations

import re

import pytest

from composer.routing.closeness import FAR, LOOSE, warning
from composer.types import Neighbour


def nearest(similarity: float) -> list[Neighbour]:
    return [Neighbour("piqa", "text", 1 - similarity, 0.5), Neighbour("cb", "text", 1.0, 0.5)]


@pytest.mark.parametrize(
    ("similarity", "words"),
    [
        (FAR - 0.001, "Nothing in this bank is close to your question: .* similarity of 0.349."),
        (FAR + 0.001, "only loosely close, with a similarity of 0.351: "),
        (LOOSE - 0.001, "only loosely close, with a similarity of 0.419: "),
    ],
)
def test_a_question_that_resembles_little_is_warned_of(similarity: float, words: str):
    assert re.search(words, warning(nearest(similarity)))


def test_of_a_near_example_nothing_is_said():
    assert warning(nearest(LOOSE + 0.001)) == warning([]) == ""
