"""The page for every eye, hand and screen."""

from __future__ import annotations

import pytest

from .conftest import Visit, Watched

pytestmark = pytest.mark.browser

QUESTION = "Where would you go to buy a lantern?"
OPTIONS = ("a bakery", "a camping store", "a shoe store")


def violations(visitor: Watched) -> list[str]:
    """The serious and critical ones that axe-core finds, and headings out of order, each with the elements it names."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(visitor.page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{one['id']}: {[node['target'] for node in one['nodes']]}"
        for one in found
        if one["impact"] in ("serious", "critical") or one["id"] == "heading-order"
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious(visit: Visit, dark: bool):
    visitor = visit(dark=dark)
    visitor.page.locator("#ac-advanced > button").click()
    visitor.page.locator("#ac-passage-box > button").click()
    visitor.page.wait_for_selector("#ac-advanced input[type=radio]")
    assert violations(visitor) == []
    number = visitor.page.locator("#ac-top-p input[type=number]")
    number.fill("0.4")
    number.press("Enter")
    visitor.page.wait_for_selector(".ac-stale-bar")
    visitor.page.locator("#ac-question textarea").fill("")
    visitor.page.locator("#ac-compare").click()
    visitor.page.wait_for_selector(".ac-error")
    assert violations(visitor) == []
    assert visitor.complaints == []


def test_the_question_stays_in_sight_while_the_story_scrolls(visit: Visit):
    visitor = visit()
    visitor.page.wait_for_selector(".ac-heat")
    visitor.page.evaluate("scrollTo({top: 1200, behavior: 'instant'})")
    rail = visitor.page.locator("#ac-rail").bounding_box()
    assert rail is not None
    assert 0 <= rail["y"] < 40
    assert visitor.page.evaluate("scrollY") == 1200


def test_a_phone_names_the_bank(visit: Visit):
    assert visit(width=390).page.locator(".ac-pill b").inner_text() == "Tiny"


@pytest.mark.parametrize("width", [390, 360])
def test_a_phone_shows_everything_within_its_width_and_scrolls_to_the_results(visit: Visit, width: int):
    visitor = visit(width=width, height=800)
    visitor.ask(QUESTION, *OPTIONS)
    visitor.answered(QUESTION)
    visitor.page.wait_for_function("document.querySelector('#ac-fold').getBoundingClientRect().top < innerHeight / 2")
    over = visitor.page.evaluate(
        "[...document.querySelectorAll('.gradio-container *')]"
        ".filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.ac-scroll, .ac-api'))"
        ".filter(e => getComputedStyle(e).visibility !== 'hidden' && !e.closest('#ac-queue, #ac-made, #ac-place'))"
        ".map(e => e.outerHTML.slice(0, 120))"
    )
    assert over == []
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= width
    assert visitor.complaints == []


def test_a_run_can_be_made_and_read_with_the_keyboard_alone(visit: Visit):
    visitor = visit()
    keyboard = visitor.page.keyboard
    visitor.page.locator("#ac-question textarea").focus()
    keyboard.press("Control+a")
    keyboard.insert_text(QUESTION)
    keyboard.press("Tab")
    keyboard.press("Control+a")
    keyboard.insert_text("\n".join(OPTIONS))
    keyboard.press("Control+Enter")
    visitor.answered(QUESTION)
    visitor.page.locator(".ac-neighbours > li summary").first.focus()
    keyboard.press("Enter")
    assert visitor.page.locator(".ac-neighbours > li .ac-whole").first.is_visible()
    keyboard.press("Tab")
    assert visitor.page.evaluate("document.activeElement.closest('li').matches('.ac-neighbours > li:nth-child(2)')")


def test_a_keyboard_need_not_pass_a_hundred_neighbours(visit: Visit):
    visitor = visit()
    visitor.page.locator("#ac-list .ac-skip").focus()
    visitor.page.keyboard.press("Enter")
    visitor.page.keyboard.press("Tab")
    assert visitor.page.evaluate("Boolean(document.activeElement.closest('#ac-answers'))")
    assert visitor.complaints == []


def test_whoever_wants_no_motion_gets_none(visit: Visit):
    visitor = visit()
    visitor.page.emulate_media(reduced_motion="reduce")
    moving = visitor.page.evaluate(
        "[...document.querySelectorAll('.gradio-container *')].filter(e => { const s = getComputedStyle(e);"
        " return s.animationName !== 'none' || parseFloat(s.transitionDuration) > 0 }).map(e => e.className)"
    )
    assert moving == []


def test_a_family_is_highlighted_and_the_others_stay_on_the_map(visit: Visit):
    visitor = visit()
    visitor.page.wait_for_selector(".ac-map[data-ready]")
    chip = visitor.page.locator('.ac-legend [data-family="inference"]')
    pictures = []
    for pressed in ("true", "false", "true", "false"):
        chip.click()
        assert chip.get_attribute("aria-pressed") == pressed
        visitor.page.evaluate("document.fonts.ready")
        pictures.append(visitor.page.evaluate(PIXELS))
    lit, plain, lit_again, plain_again = pictures
    assert plain == plain_again and lit == lit_again
    assert lit["sum"] != plain["sum"]
    # the other families' points stay; their names make room
    assert lit["points"] == plain["points"] == 1 and lit["painted"] < plain["painted"]


PIXELS = """() => {
  const canvas = document.querySelector('.ac-map canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let [sum, painted] = [0, 0];
  for (let i = 0; i < data.length; i += 4) { sum += data[i] + data[i + 1] + data[i + 2]; painted += data[i + 3] > 0 }
  const { x, y } = JSON.parse(document.getElementById('ac-data').dataset.page).map;
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const [across, up] = [x, y].map((text) => new Uint16Array(bytes(text).buffer));
  const frame = canvas.parentElement.getBoundingClientRect();
  const scale = canvas.width / frame.width;
  const there = [...across].filter((_, i) => {
    const left = Math.round((18 + across[i] / 65535 * (frame.width - 36)) * scale);
    const top = Math.round((frame.height - 18 - up[i] / 65535 * (frame.height - 36)) * scale);
    return data[4 * (top * canvas.width + left) + 3] > 0;
  });
  return { sum, painted, points: there.length / across.length };
}"""
