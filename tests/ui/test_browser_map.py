"""The map by wheel, buttons and drag, all its names, and the picture of it that is saved."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from .conftest import Visit, Watched

pytestmark = pytest.mark.browser

PAINTED = "document.querySelector('.ac-map canvas').toDataURL()"


WORDS_DRAWN = """() => {
  const words = [];
  const context = CanvasRenderingContext2D.prototype;
  const fill = context.fillText;
  context.fillText = function (text, ...at) { words.push(text); fill.call(this, text, ...at) };
  document.querySelector('.ac-map').acPicture();
  context.fillText = fill;
  return words;
}"""


def opened(visit: Visit, **how) -> Watched:
    visitor = visit(**how)
    visitor.page.wait_for_selector(".ac-map[data-named]")
    visitor.page.evaluate("document.fonts.ready")
    visitor.page.wait_for_timeout(300)
    return visitor


def test_the_map_zooms_by_button_and_wheel_moves_by_drag_and_a_double_click_shows_all(visit: Visit):
    visitor = opened(visit)
    page = visitor.page
    whole = page.evaluate(PAINTED)
    page.locator('[data-zoom="in"]').click()
    zoomed = page.evaluate(PAINTED)
    assert zoomed != whole
    assert page.locator('[data-zoom="out"]').get_attribute("aria-disabled") == "false"
    canvas = page.locator(".ac-map canvas")
    canvas.scroll_into_view_if_needed()
    page.wait_for_timeout(700)
    box = canvas.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 60, middle[1] + 30, steps=4)
    page.mouse.up()
    assert page.evaluate(PAINTED) != zoomed
    assert page.locator("#ac-reading h3").inner_text() == "The nearest example"  # a drag is no click
    scrolled = page.evaluate("scrollY")
    page.mouse.wheel(0, -300)
    page.wait_for_function(f"before => {PAINTED} !== before", arg=zoomed)
    assert page.evaluate("scrollY") == scrolled
    canvas.dblclick(position={"x": 5, "y": 5})
    page.mouse.move(0, 0)
    page.wait_for_function(f"before => {PAINTED} === before", arg=whole)
    assert page.locator('[data-zoom="out"]').get_attribute("aria-disabled") == "true"
    assert visitor.complaints == []


def test_a_page_that_scrolls_past_the_map_scrolls_on(visit: Visit):
    visitor = opened(visit)
    page = visitor.page
    box = page.locator(".ac-map canvas").bounding_box()
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    whole = page.evaluate(PAINTED)
    page.mouse.wheel(0, 200)  # there is nothing more to see of the map
    page.wait_for_function("scrollY > 50")
    page.mouse.move(0, 0)
    assert page.evaluate(PAINTED) == whole


@pytest.mark.parametrize("width", [390, 1100, 1280])
def test_every_task_has_its_name_on_the_map(visit: Visit, width: int, composer):
    visitor = opened(visit, width=width)
    named = visitor.page.locator(".ac-map").get_attribute("data-named").split()
    assert sorted(named) == sorted(composer.bank.tasks)


def test_the_saved_picture_has_the_question_and_the_legend(visit: Visit):
    visitor = opened(visit)
    page = visitor.page
    assert page.locator(".ac-map").get_attribute("data-question") == visitor.trace()["query"]
    with page.expect_download() as download:
        page.locator('[data-export="map"]').click()
    data = Path(download.value.path()).read_bytes()
    width, height = struct.unpack(">II", data[16:24])
    stage = page.locator(".ac-map canvas").bounding_box()
    assert width == stage["width"] + 40
    assert height > stage["height"] + 90
    drawn = page.evaluate(WORDS_DRAWN)
    families = page.locator(".ac-legend [data-family]").all_inner_texts()
    assert set(families) <= set(drawn)
    assert " ".join(drawn).startswith(visitor.trace()["query"])
