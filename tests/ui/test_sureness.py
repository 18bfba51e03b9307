from __future__ import annotations

import re

import numpy as np
import pytest

from composer.ui.words.sureness import lead, shown, whole_shares


def plain(probabilities: tuple[float, ...]) -> list[str]:
    return [text.replace("\u202f", " ") for text in shown(probabilities)]


@pytest.mark.parametrize("seed", range(20))
def test_what_is_shown_adds_up_and_the_lead_is_its_difference(seed: int):
    probabilities = tuple(np.random.default_rng(seed).dirichlet(np.ones(2 + seed % 7)).tolist())
    whole = whole_shares(probabilities)
    assert sum(whole) == 100
    assert all(abs(one - 100 * p) < 1 for one, p in zip(whole, probabilities, strict=True))
    first, second = sorted(whole, reverse=True)[:2]
    said = re.match(r"(\d+) points?$", lead(probabilities))
    assert said is None or int(said[1]) == first - second


def test_the_lead_of_rounded_shares_is_not_rounded_anew():
    assert plain((0.675, 0.325)) == ["68 %", "32 %"] and lead((0.675, 0.325)) == "36 points"  # 35 of the exact ones
    assert plain((0.6749, 0.3251)) == ["67 %", "33 %"] and lead((0.6749, 0.3251)) == "34 points"  # 35 of the exact ones


def test_equal_shares_look_equal():
    assert plain((1 / 3, 1 / 3, 1 / 3)) == ["33 %"] * 3
    assert plain((0.5, 0.5)) == ["50 %"] * 2 and lead((0.5, 0.5)) == "a tie"


def test_near_certainty_is_never_shown_as_certainty():
    assert plain((0.9999, 0.0001)) == [">99 %", "<1 %"] and lead((0.9999, 0.0001)) == "over 98 points"
    assert (
        plain((0.993, 0.0035, 0.0035)) == ["99 %", "<1 %", "<1 %"] and lead((0.993, 0.0035, 0.0035)) == "over 98 points"
    )
    assert plain((1.0, 0.0)) == ["100 %", "0 %"] and lead((1.0, 0.0)) == "100 points"


def test_a_lead_too_small_to_be_shown_is_not_a_tie():
    assert plain((0.502, 0.498)) == ["50 %", "50 %"] and lead((0.502, 0.498)) == "under 1 point"
    assert lead((0.506, 0.494)) == "2 points" and lead((0.51, 0.36, 0.13)) == "15 points"
