"""The address bar is the state: back, forward, reload, a link and a restarted server bring a run back."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import PATIENCE_MS, Visit, Watched, free_port, served_by_a_process
from .test_browser import CASE

pytestmark = pytest.mark.browser

LANTERN = "Where would you go to buy a lantern?"
BIRDS = "How many birds will sit on my roof tomorrow at noon?"
OPTIONS = ("three", "eleven")


def question(visitor: Watched) -> str:
    return visitor.page.locator("#ac-question textarea").input_value()


def test_back_and_forward_go_from_run_to_run_and_a_reload_stays(visit: Visit):
    visitor = visit()
    page = visitor.page
    first = visitor.trace()["query"]
    number = page.locator("#ac-top-p input[type=number]")
    number.fill("0.55")
    number.press("Enter")
    visitor.ask(LANTERN, *OPTIONS)
    visitor.answered(LANTERN)
    page.wait_for_url("**/?q=Where*&o=three&o=eleven&*p=0.55*")
    page.locator(f'#ac-gallery [data-case="{CASE.slug}"]').click()
    visitor.answered(CASE.query)
    page.wait_for_url(f"**/?case={CASE.slug}&*")
    assert "passage=" not in page.url and "p=0.9" in page.url
    page.go_back()
    visitor.answered(LANTERN)
    assert (question(visitor), number.input_value()) == (LANTERN, "0.55")
    page.go_back()
    visitor.answered(first)
    assert question(visitor) == first and "?" not in page.url
    page.go_forward()
    page.go_forward()
    assert visitor.answered(CASE.query)["context"] == CASE.context
    page.reload()
    visitor.answered(CASE.query)
    assert question(visitor) == CASE.query
    assert page.locator(".ac-stale").count() == 0
    assert page.evaluate("history.length") == 4  # with the empty page that a browser starts with
    assert visitor.complaints == []


def test_a_passage_that_is_too_long_for_the_address_stays_in_the_tab_and_is_missed_elsewhere(visit: Visit):
    passage = "The lantern hangs over the door. " * 300
    visitor = visit()
    visitor.page.locator("#ac-passage-box > button").click()
    visitor.page.locator("#ac-passage textarea").fill(passage)
    visitor.ask(LANTERN, *OPTIONS)
    made = visitor.answered(LANTERN)
    visitor.page.wait_for_url("**left=passage*")
    visitor.page.reload()
    assert visitor.answered(LANTERN)["context"] == made["context"] == passage.strip()
    other = visit("?" + visitor.page.url.partition("?")[2])
    assert other.error().startswith("Too long for a link, and left out of this one: the passage.")
    assert question(other) == LANTERN
    assert visitor.complaints == other.complaints == []


def test_what_was_typed_and_not_asked_outlives_a_reload_but_not_another_address(visit: Visit):
    visitor = visit()
    page = visitor.page
    page.locator("#ac-question textarea").fill(BIRDS)
    page.wait_for_selector(".ac-answers.ac-stale")
    page.reload()
    page.wait_for_function("q => document.querySelector('#ac-question textarea')?.value === q", arg=BIRDS)
    page.wait_for_selector(".ac-answers.ac-stale")
    page.goto(page.url + "?q=Where%3F&o=here&o=there")
    visitor.answered("Where?")
    assert question(visitor) == "Where?"
    assert page.locator(".ac-stale").count() == 0


def test_a_restarted_server_loses_neither_the_run_nor_what_was_typed(
    visit: Visit, tiny_bank: Path, cache_dir: Path, tmp_path: Path
):
    port = free_port()
    caches = (tmp_path / "one", tmp_path / "two")
    for cache in caches:
        cache.mkdir()
    with served_by_a_process(tiny_bank, caches[0], cache_dir, port=port) as address:
        visitor = visit(at=address)
        visitor.ask(LANTERN, *OPTIONS)
        visitor.answered(LANTERN)
        visitor.page.locator("#ac-question textarea").fill(BIRDS)
        visitor.page.wait_for_selector(".ac-answers.ac-stale")
    visitor.page.locator("#ac-compare").click()
    visitor.page.wait_for_selector("#ac-trouble .ac-error:not(:empty)")
    with served_by_a_process(tiny_bank, caches[1], cache_dir, port=port):
        visitor.page.wait_for_function(
            "() => !document.querySelector('#ac-trouble')?.textContent.trim()"
            " && document.querySelector('#ac-answers [data-link]')",
            timeout=PATIENCE_MS,
        )
        visitor.answered(LANTERN)
        visitor.page.wait_for_function("q => document.querySelector('#ac-question textarea')?.value === q", arg=BIRDS)
