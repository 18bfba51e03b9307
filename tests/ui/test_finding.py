"""The sentence above the fold says what the run shows, and no more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from composer.types import Failure, Prediction, Trace
from composer.ui.words.finding import beside, finding, progress

from .sample import prediction, trace

FOUR = ("linear", "cat", "ties", "magnitude_prune")
OPTIONS = ("yes", "no", "maybe")


def run(*chosen: int, base: int = 0, top1: int | None = None, uniform: int | None = None, options=OPTIONS) -> Trace:
    """What each of FOUR (or the first of them), the base and the references choose."""
    made = trace(dict(zip(FOUR, chosen, strict=False)), options=options)
    references = [(name, one) for name, one in (("top1", top1), ("uniform", uniform)) if one is not None]
    return replace(
        made,
        predictions=(prediction("base", base, len(options)), *made.predictions[1:]),
        references=tuple(prediction(name, one, len(options)) for name, one in references),
    )


def tie(name: str, *options: int) -> Prediction:
    scores = tuple(0.0 if i in options else -1.0 for i in range(3))
    return Prediction(name, scores, scores, (0.4, 0.4, 0.2), options[0])


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ((0, 0, 0, 0), "Base: “yes”. All four merges stay."),
        ((1, 1, 1, 1), "Base: “yes”. All four merges flip to “no”."),
        ((1, 1, 0, 1), "Base: “yes”. Three merges flip to “no”; TIES stays."),
        ((0, 0, 1, 0), "Base: “yes”. TIES flips to “no”; the other three stay."),
        ((1, 1, 0, 0), "Base: “yes”. Linear and Concatenation flip to “no”; TIES and Magnitude prune stay."),
        ((1, 1, 2, 1), "Base: “yes”. Three merges flip to “no”, TIES to “maybe”."),
        ((2, 1, 1, 2), "Base: “yes”. Linear and Magnitude prune flip to “maybe”, Concatenation and TIES to “no”."),
        ((1, 2, 0, 0), "Base: “yes”. Linear flips to “no”, Concatenation to “maybe”; TIES and Magnitude prune stay."),
        ((1, 1), "Base: “yes”. Both merges flip to “no”."),
        ((0, 1), "Base: “yes”. Concatenation flips to “no”; Linear stays."),
        ((0,), "Base: “yes”. Linear stays."),
        ((1,), "Base: “yes”. Linear flips to “no”."),
    ],
)
def test_who_stays_and_who_flips(chosen: tuple[int, ...], words: str):
    assert finding(run(*chosen), FOUR[: len(chosen)]) == words


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (
            run(0, 0, 0, 0, top1=0, uniform=0),
            "All four merges stay, as do the heaviest adapter alone and the uniform merge.",
        ),
        (run(1, 1, 1, 1, top1=1), "All four merges flip to “no”, as does the heaviest adapter alone."),
        (
            run(0, 0, 0, 0, top1=1, uniform=0),
            "All four merges stay, and disagree with the heaviest adapter alone, which says “no”.",
        ),
        (
            run(1, 1, 1, 1, top1=0, uniform=0),
            "All four merges flip to “no”, and disagree with the heaviest adapter alone and the uniform merge, which"
            " say “yes”.",
        ),
        (
            run(1, 1, 1, 1, top1=0, uniform=2),
            "All four merges flip to “no”, and disagree with the heaviest adapter alone, which says “yes”, and with the"
            " uniform merge, which says “maybe”.",
        ),
    ],
)
def test_merges_that_agree_are_held_against_the_references(made: Trace, words: str):
    assert finding(made, FOUR) == f"Base: “yes”. {words}"
    assert beside(made, FOUR) == ""


def test_one_merge_disagrees_in_the_singular():
    assert finding(run(0, top1=1), ("linear",)) == (
        "Base: “yes”. Linear stays, and disagrees with the heaviest adapter alone, which says “no”."
    )


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (run(1, 1, 0, 1, top1=1, uniform=1), "The heaviest adapter alone and the uniform merge: “no”."),
        (run(1, 1, 0, 1, top1=1, uniform=0), "The heaviest adapter alone: “no”; the uniform merge: “yes”."),
        (run(1, 1, 0, 1, uniform=0), "The uniform merge: “yes”."),
        (run(1, 1, 0, 1), ""),
    ],
)
def test_beside_merges_that_disagree_the_references_only_say_what_they_choose(made: Trace, words: str):
    assert beside(made, FOUR) == words


def test_what_is_known_to_be_right_is_called_so_once():
    assert finding(run(1, 1, 0, 1), FOUR, gold=1) == (
        "Base: “yes” (wrong). Three merges flip to “no” (right); TIES stays."
    )
    assert beside(run(1, 1, 0, 1, top1=1), FOUR, gold=1) == "The heaviest adapter alone: “no” (right)."
    assert "right" not in finding(run(1, 1, 0, 1), FOUR) and "wrong" not in finding(run(1, 1, 0, 1), FOUR)
    assert finding(run(0, 0, 0, 0, top1=1), FOUR, gold=2).count("(wrong)") == 2


def test_a_failed_merge_is_named_and_the_others_count():
    failed = Failure("ties", "no room")
    made = replace(run(1, 1, top1=1), failures=(failed,))
    assert finding(made, ("linear", "cat", "ties")) == (
        "Base: “yes”. Both merges flip to “no”, as does the heaviest adapter alone; TIES failed."
    )
    nobody = replace(run(), failures=(failed,))
    assert finding(nobody, ("ties",)) == "Base: “yes”. No merge answered."
    assert beside(nobody, ("ties",)) == ""


def test_a_failed_reference_is_not_counted():
    made = replace(run(1, 1, 1, 1, top1=1), references=(Failure("top1", "no room"), prediction("uniform", 1, 3)))
    assert finding(made, FOUR).endswith("flip to “no”, as does the uniform merge.")


def test_without_a_base_nobody_flips():
    made = run(1, 1, 0, 1)
    failed = replace(made, predictions=made.predictions[1:], failures=(Failure("base", "lost"),))
    assert finding(failed, FOUR) == "The base model failed. Three merges choose “no”, TIES “yes”."


def test_an_exact_tie_chooses_nothing():
    made = run(1, 1, 0, 1)
    base, linear, cat, ties, prune = made.predictions
    assert finding(replace(made, predictions=(tie("base", 0, 1), linear, cat, ties, prune)), FOUR) == (
        "Base: undecided, an exact tie. Three merges choose “no”, TIES “yes”."
    )
    assert finding(replace(made, predictions=(base, linear, cat, tie("ties", 1, 2), prune)), FOUR) == (
        "Base: “yes”. Three merges flip to “no”; TIES is tied."
    )
    tied = tuple(tie(name, 0, 1) for name in FOUR)
    assert finding(replace(made, predictions=(base, *tied)), FOUR) == "Base: “yes”. All four merges are tied."
    assert beside(replace(made, references=(tie("top1", 0, 1),)), FOUR) == ""


def test_large_camps_are_counted():
    eight = (*FOUR, "svd", "dare_linear", "dare_ties", "core_sum")
    made = run(0)
    chosen = (1, 1, 1, 1, 0, 0, 0, 2)
    answers = tuple(prediction(name, one, 3) for name, one in zip(eight, chosen, strict=True))
    assert finding(replace(made, predictions=(made.predictions[0], *answers)), eight) == (
        "Base: “yes”. Four merges flip to “no”, Core sum to “maybe”; the other three stay."
    )


def test_long_options_are_named_by_what_tells_them_apart():
    options = ("You can buy a ball at any sports store.", "You can buy a racket at any sports store.")
    assert finding(run(1, 1, 1, 1, options=options), FOUR).startswith("Base: “You can buy a ball at any sports store”.")
    long = tuple(f"{option[:-1]} in the middle of the old town." for option in options)
    assert finding(run(1, 1, 1, 1, options=long), FOUR) == (
        "Base: “… ball at any sports store in the middle of…”. All four merges flip to “… racket at any sports store"
        " in the middle…”."
    )


def test_until_all_have_answered_the_sentence_says_how_far_they_are():
    made = run(1, 1, 0, 1)
    assert progress(replace(made, predictions=()), FOUR) == "Asking the base model and four merges …"
    assert progress(replace(made, predictions=made.predictions[:2]), FOUR) == "One of four merges has answered …"
    assert progress(replace(made, predictions=made.predictions[:4]), FOUR) == "Three of four merges have answered …"
    assert progress(made, FOUR) == "Asking the heaviest adapter alone, for comparison …"
