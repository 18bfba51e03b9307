from __future__ import annotations

import re
from dataclasses import replace

import pytest

from composer.merging import METHODS
from composer.types import Failure
from composer.ui import cards

from .sample import HOSTILE, inputs, prediction, trace

FOUR = ("linear", "cat", "ties", "magnitude_prune")


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ((0, 0, 0, 0), "All four agree"),
        ((0, 0, 1, 0), "Three of four agree"),
        ((0, 0, 1, 1), "They are split"),
        ((0, 0, 1, 2), "Two of four agree"),
        ((0, 1, 2, 3), "They all disagree"),
    ],
)
def test_the_verdict_counts_the_votes(chosen: tuple[int, ...], words: str):
    made = trace(dict(zip(FOUR, chosen, strict=True)), options=("a", "b", "c", "d"))
    assert cards.verdict(made, FOUR) == words


def test_the_agreement_strip_equals_the_cards():
    made = trace({"linear": 0, "cat": 0, "ties": 1, "magnitude_prune": 0})
    html = cards.draw(made, inputs())
    on_cards = re.findall(r'<article class="ac-card" data-method="(\w+)" data-chosen="(\d)"', html)
    assert on_cards == [("linear", "0"), ("cat", "0"), ("ties", "1"), ("magnitude_prune", "0")]
    assert cards.groups(made, FOUR) == [(0, ("linear", "cat", "magnitude_prune")), (1, ("ties",))]
    assert "<b>3/4</b>" in html and "<b>1/4</b>" in html


def test_the_base_model_has_no_vote():
    made = trace(dict.fromkeys(FOUR, 1))  # the base chose option 0
    assert cards.verdict(made, FOUR) == "All four agree"


def test_a_method_that_failed_is_a_red_card_and_the_others_live():
    html = cards.draw(
        trace({"linear": 0, "cat": 0, "ties": 0}, failed="ties"), inputs(methods=("linear", "cat", "ties"))
    )
    assert html.count('class="ac-card"') == 2
    assert 'class="ac-card ac-failed" data-method="ties"' in html
    assert "The ranks differ. Choose cat." in html


def test_what_the_merges_are_compared_with_is_named_as_the_line_up_has_it():
    made = replace(trace(dict.fromkeys(FOUR, 1)), references=(prediction("top1", 1), Failure("uniform", "no room.")))
    html = cards.draw(made, inputs())
    assert re.findall(r"<strong>([^<]+)</strong><small>([^<]+)", html.partition("For comparison")[2]) == [
        ("Base model", "no adapter at all"),
        ("Heaviest adapter", "piqa, the heaviest task&#x27;s, alone"),
        ("Uniform", "the same tasks with equal weights, merged by Linear"),
    ]
    assert "No room." in html


def test_hostile_options_are_escaped_everywhere():
    html = cards.draw(trace({"cat": 0}, options=(HOSTILE, "b")), inputs(options=f"{HOSTILE}\nb", methods=("cat",)))
    assert "<img" not in html
    assert html.count("&lt;img") >= 3


def test_each_method_brings_its_own_title_and_sentence():
    html = cards.draw(trace(dict.fromkeys(FOUR, 0)), inputs())
    assert all(METHODS[name].title in html for name in FOUR)
