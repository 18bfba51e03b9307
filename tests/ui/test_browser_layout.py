"""Widths between a phone and a large window, both themes, and where a visitor is taken."""

from __future__ import annotations

import pytest

from .conftest import Visit

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [390, 800, 1024, 1100, 1279, 1280, 1600])
def test_the_map_is_not_stretched_and_bars_can_be_read(visit: Visit, width: int):
    page = visit(width=width).page
    page.wait_for_selector(".ac-map[data-ready]")
    stage = page.locator(".ac-map-stage").bounding_box()
    assert 0.75 <= stage["width"] / stage["height"] <= 1.8
    assert min(page.evaluate("[...document.querySelectorAll('.ac-weights .ac-bar')].map(b => b.clientWidth)")) >= 60
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_phone_shows_all_four_methods_of_the_heat_map_together(visit: Visit):
    page = visit(width=390).page
    page.wait_for_selector(".ac-heat thead")
    heads = page.locator(".ac-heat thead th")
    texts = [text.strip() for text in heads.all_inner_texts()]
    assert texts == ["Task", "Asked for", "Linear", "Concatenation", "TIES", "Magnitude prune"]
    assert all(0 <= box["x"] and box["x"] + box["width"] <= 390 for box in (h.bounding_box() for h in heads.all()))


def test_a_sliders_knob_is_whole(visit: Visit):
    # waited for: on a busy machine the block is still being laid out when the page is there
    page = visit().page
    page.wait_for_selector("#ac-top-p input[type=range]")
    page.wait_for_function(
        "() => { const knob = document.querySelector('#ac-top-p input[type=range]').getBoundingClientRect();"
        " const block = document.querySelector('#ac-top-p'); const box = block.getBoundingClientRect();"
        " return getComputedStyle(block).overflowY === 'visible' && box.bottom - (knob.top + knob.height / 2) >= 12 }"
    )


@pytest.mark.parametrize("dark", [False, True])
def test_the_theme_that_was_chosen_outlives_a_reload(visit: Visit, dark: bool):
    visitor = visit(dark=dark)
    page = visitor.page
    assert page.evaluate("document.body.classList.contains('dark')") == dark
    page.locator("[data-theme-toggle]").click()
    page.reload()
    page.wait_for_selector(".ac-map[data-ready]")
    page.wait_for_timeout(500)
    assert page.evaluate("document.body.classList.contains('dark')") != dark


@pytest.mark.parametrize("width", [1280, 390])
def test_a_case_in_the_gallery_leads_to_its_results(visit: Visit, width: int):
    visitor = visit(width=width)
    page = visitor.page
    case = page.locator("#ac-gallery [data-case]").nth(3)
    title = case.locator("b").inner_text()
    case.click()
    page.locator("#ac-note", has_text=title).wait_for()
    page.wait_for_function("Math.abs(document.querySelector('#ac-fold').getBoundingClientRect().top) < 60")
    assert page.locator("#ac-note strong").bounding_box()["y"] < 900
    assert page.evaluate("document.activeElement.id") == "ac-fold"
    assert title in page.locator("#ac-live[role=status]").text_content()
    assert visitor.complaints == []


def test_neighbours_of_the_question_before_are_marked_and_those_under_another_top_p_are_not(visit: Visit):
    visitor = visit()
    page = visitor.page
    story, words = page.locator("#ac-story"), page.locator(".ac-stale-words").first
    number = page.locator("#ac-top-p input[type=number]")
    number.fill("0.5")
    number.press("Enter")
    page.wait_for_selector(".ac-answers.ac-stale")
    assert "ac-stale-found" not in story.get_attribute("class") and words.inner_text() == ""
    question = page.locator("#ac-question textarea")
    before = question.input_value()
    question.fill("Another question?")
    page.wait_for_selector("#ac-story.ac-stale-found")
    assert words.inner_text().startswith("These neighbours are of the question before.")
    question.fill(before)
    page.wait_for_selector("#ac-story:not(.ac-stale-found)")
    visitor.ask("Another question?", "yes", "no")
    visitor.answered("Another question?")
    page.wait_for_selector("#ac-story:not(.ac-stale-found)")
    assert visitor.complaints == []


def test_the_tooltip_has_the_pages_typeface(visit: Visit):
    page = visit().page
    page.locator("#ac-nucleus .ac-term[tabindex]").first.focus()
    fonts = page.evaluate(
        "['#ac-hint', '.gradio-container'].map(e => getComputedStyle(document.querySelector(e)).fontFamily)"
    )
    assert fonts[0].split(",")[0].strip("\"' ") == fonts[1].split(",")[0].strip("\"' ") == "IBM Plex Sans"


def test_no_method_chosen_is_told_by_the_methods_names_on_the_page(visit: Visit):
    visitor = visit()
    page = visitor.page
    page.locator("#ac-advanced > button").click()
    for title in ("Linear", "Concatenation", "TIES", "Magnitude prune"):
        page.get_by_label(title, exact=True).uncheck()
    page.locator("#ac-compare").click()
    assert "Choose at least one of Linear (linear), Concatenation (cat), " in visitor.error()
