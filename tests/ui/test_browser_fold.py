"""What a visitor sees without scrolling, and that it stays where it is."""

from __future__ import annotations

import threading

import pytest

from .conftest import PATIENCE_MS, Visit, Watched
from .test_browser_access import violations

pytestmark = pytest.mark.browser

QUESTION = "Where would you go to buy a lantern?"
OPTIONS = ("a bakery", "a camping store", "a shoe store")
DESKTOP, PHONE = {"width": 1360, "height": 900}, {"width": 390, "height": 844}


def box(visitor: Watched, selector: str) -> dict[str, float]:
    found = visitor.page.locator(selector).bounding_box()
    assert found is not None
    return {**found, "end": found["y"] + found["height"]}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_finding_and_an_answer_each_stand_above_the_fold(visit: Visit, size: dict[str, int], dark: bool):
    visitor = visit(**size, dark=dark)
    assert box(visitor, ".ac-finding h2")["y"] > 0
    assert box(visitor, ".ac-minis")["end"] < size["height"]
    assert visitor.page.locator(".ac-mini").count() == 6
    cut = visitor.page.evaluate(
        "[...document.querySelectorAll('.ac-finding h2, .ac-mini, .ac-mini-sure')]"
        ".filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.textContent)"
    )
    assert cut == []
    if size is DESKTOP:
        middle = box(visitor, ".ac-map-stage")
        assert middle["y"] + middle["height"] / 3 < size["height"]
        assert box(visitor, ".ac-ribbon")["end"] < size["height"]


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nothing_moves_when_the_answers_come(visit: Visit, composer, monkeypatch, size: dict[str, int]):
    held = threading.Event()
    score = type(composer).score

    def slowly(self, *given, **named):
        assert held.wait(PATIENCE_MS / 1000)
        return score(self, *given, **named)

    monkeypatch.setattr(type(composer), "score", slowly)
    visitor = visit(**size)
    try:
        visitor.ask(QUESTION, *OPTIONS)
        visitor.page.locator(".ac-thinking h2", has_text="Asking the base model and four merges").wait_for()
        assert visitor.page.locator(".ac-question").inner_text() == QUESTION
        assert visitor.page.locator(".ac-neighbours > li").count() == 100
        visitor.page.wait_for_timeout(1_000)  # the page scrolls there smoothly
        before = {place: box(visitor, place) for place in (".ac-minis", "#ac-map", "#ac-nucleus")}
    finally:
        held.set()
    visitor.answered(QUESTION)
    visitor.page.locator(".ac-finding:not(.ac-thinking) h2", has_text="Base: ").wait_for()
    assert {place: box(visitor, place) for place in before} == before
    assert visitor.complaints == []


def test_a_phone_unfolds_the_form_on_demand_and_folds_it_away_for_the_answer(visit: Visit):
    visitor = visit(**PHONE)
    form, button = visitor.page.locator("#ac-rail"), visitor.page.locator(".ac-ask")
    assert form.is_hidden() and button.get_attribute("aria-expanded") == "false"
    button.click()
    assert form.is_visible() and button.get_attribute("aria-expanded") == "true"
    assert visitor.page.evaluate("document.activeElement.closest('#ac-question') !== null")
    visitor.ask("", *OPTIONS)
    visitor.error()
    assert form.is_visible()  # with what is wrong with it
    visitor.ask(QUESTION, *OPTIONS)
    visitor.answered(QUESTION)
    form.wait_for(state="hidden")
    visitor.page.wait_for_function(
        "() => { const { top } = document.querySelector('#ac-fold').getBoundingClientRect();"
        " return top >= 0 && top < innerHeight / 2 }"
    )
    assert button.get_attribute("aria-expanded") == "false"
    assert visitor.complaints == []


def test_a_large_window_has_the_form_beside_the_finding(visit: Visit):
    visitor = visit(**DESKTOP)
    assert visitor.page.locator(".ac-ask").is_hidden()
    form, finding = box(visitor, "#ac-rail"), box(visitor, "#ac-fold")
    assert form["x"] + form["width"] < finding["x"] and abs(form["y"] - finding["y"]) < 2


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious_on_a_phone(visit: Visit, dark: bool):
    visitor = visit(**PHONE, dark=dark)
    assert violations(visitor) == []
    visitor.page.locator(".ac-ask").click()
    visitor.page.locator("#ac-options textarea").fill("changed\noptions")
    visitor.page.wait_for_selector(".ac-finding.ac-stale")
    assert violations(visitor) == []
