"""A run as an address: whatever was asked comes back, and what cannot be asked is refused in sentences."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.ui.cases import Case
from composer.ui.choices import CHOICES
from composer.ui.inputs import MAX_LINK_CHARS, to_query_string
from composer.ui.link import read_kept, read_link, read_place, read_query
from composer.ui.ranges import RANGES

from .sample import HOSTILE, inputs

words = st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), min_size=1).filter(lambda s: s.strip() == s)
WHERE = Case("where", "Where", "reading", "Where?", ("here", "there"), "Look.", context="A passage.")
HERE = inputs(question="", options="")


def opened(search: str):
    return read_link(read_query(search), HERE, (WHERE,))


@given(words, st.lists(words, min_size=2, max_size=8), st.floats(0.05, 1), st.integers(1, 1000), st.booleans())
def test_a_link_reproduces_all_inputs(question: str, options: list[str], top_p: float, top_k: int, embed: bool):
    made = inputs(
        question=question, options="\n".join(options), top_p=top_p, top_k=top_k, methods=("ties",), embed_options=embed
    )
    link = opened(to_query_string(made))
    assert (link.inputs, link.faults) == (made, ())
    assert read_kept(json.loads(json.dumps(made.by_name())), HERE) == made


def test_a_link_without_a_question_is_no_run():
    assert opened("") is opened("?p=0.5") is None


def test_a_case_study_is_asked_by_its_name_under_the_links_settings():
    assert opened("?case=where&p=0.5&q=ignored").inputs == inputs(
        question="Where?", options="here\nthere", passage="A passage.", top_p=0.5
    )


@pytest.mark.parametrize(
    ("search", "refusal"),
    [
        (
            "?q=x&p=lots",
            "In the link, top-p is 'lots'; it must be a number from 0.01 to 1. The form has 0.9 in its place.",
        ),
        ("?q=x&p=9", "In the link, top-p is '9'; it must be a number from 0.01 to 1. The form has 0.9 in its place."),
        ("?q=x&p=nan", "In the link, top-p is 'nan'; it must be a number"),
        ("?q=x&density=0", "In the link, density is '0'; it must be a number from 0.05 to 1."),
        ("?q=x&k=1001", "In the link, top-k is '1001'; it must be a whole number from 1 to 1000."),
        ("?q=x&k=2.5", "In the link, top-k is '2.5'; it must be a whole number"),
        ("?q=x&kernel=inverted", "In the link, unknown kernel 'inverted'. Did you mean 'inverse'?"),
        ("?q=x&sign=summed", "In the link, unknown majority sign 'summed'."),
        ("?q=x&norm=token", "In the link, unknown normalization 'token'. Did you mean 'tokens'?"),
        ("?q=x&m=cat&m=tie", "In the link, unknown method 'tie'. Did you mean 'ties'?"),
    ],
)
def test_a_setting_that_the_form_cannot_hold_is_refused_and_the_rest_is_kept(search: str, refusal: str):
    link = opened(f"{search}&o=a&o=b")
    assert len(link.faults) == 1 and link.refusal.startswith(refusal)
    assert link.inputs == inputs(question="x", options="a\nb", methods=link.inputs.methods)


def test_a_case_study_that_does_not_exist_leaves_the_form_as_it_is():
    link = opened("?case=were")
    assert (link.inputs, link.refusal) == (None, "Unknown case study 'were'. Did you mean 'where'?")


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"passage": "ü" * MAX_LINK_CHARS}, ("passage",)),
        ({"passage": "x" * 9_000, "options": "\n".join(f"{i}{'x' * 1_900}" for i in range(8))}, ("passage", "options")),
        ({"question": "問" * 4_000, "options": "a\nb"}, ("options", "question")),
    ],
    ids=lambda one: str(sorted(one))[:40],
)
def test_what_makes_a_link_too_long_is_left_out_and_named(changes: dict[str, str], left: tuple[str, ...]):
    made = inputs(**changes)
    search = to_query_string(made)
    assert len(search) <= MAX_LINK_CHARS
    link = opened(search)
    assert link.refusal.startswith("Too long for a link, and left out of this one: ")
    for name in ("question", "options", "passage"):
        gone = name in left or (name == "passage" and made.passage)
        assert getattr(link.inputs, name) == ("" if gone else getattr(made, name))
        assert (f"the {name}" in link.refusal) == bool(gone)


@pytest.mark.parametrize("told", [None, 7, "", "{", "[]", "null", '"x"', '{"search": 7, "kept": []}'])
def test_what_the_browser_did_not_tell_is_no_run(told: object):
    place = read_place(told)
    assert place.params == {} and read_kept(place.kept, HERE) is None


def test_of_what_the_browser_kept_only_values_of_the_right_kind_are_taken():
    kept = {"question": HOSTILE, "options": 7, "top_p": "0.5", "methods": "cat", "embed_options": 1, "density": True}
    assert read_kept(kept, HERE) == inputs(question=HOSTILE, options="")


def test_whatever_a_link_may_hold_the_form_holds():
    from composer.config import MergeSettings, RetrievalSettings

    for value in (RANGES["top_k"].low, RANGES["top_k"].high):
        RetrievalSettings(top_k=int(value))
    for value in (RANGES["top_p"].low, RANGES["top_p"].high):
        RetrievalSettings(top_p=value)
    MergeSettings(density=RANGES["density"].low)
    for name in ("kernel", "majority_sign", "normalization"):
        for choice in CHOICES[name]:
            inputs(**{name: choice}).settings()
