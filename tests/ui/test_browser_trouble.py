"""A request that gets no answer: the page says what happened, and what stood there still stands."""

from __future__ import annotations

import pytest

from .conftest import Visit

pytestmark = pytest.mark.browser

QUESTION = "Where would you go to buy a lantern?"
SHOPS = ("a bakery", "a camping store")
TOLD = "#ac-trouble .ac-error:not(:empty)"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": 500, "json": {"detail": "no"}}, "The server failed at this (500); its log has the details."),
        ({"status": 503, "body": "<html>"}, "The server takes no questions just now (503). Try again in a minute."),
        ({"status": 503, "json": {"detail": "The queue is full."}}, "The queue is full."),
        ({"status": 413, "json": {"detail": "Too long."}}, "The server refused this (413): Too long."),
    ],
    ids=lambda one: str(one.get("status", "")) if isinstance(one, dict) else "",
)
def test_a_refused_request_is_told_as_what_it_was_and_the_last_result_stays(visit: Visit, answer: dict, words: str):
    visitor = visit()
    page = visitor.page
    before = visitor.trace()
    page.route("**/queue/join*", lambda route: route.fulfill(**answer))
    visitor.ask(QUESTION, *SHOPS)
    page.wait_for_selector(TOLD)
    assert page.locator(TOLD).inner_text().startswith(words)
    assert visitor.trace() == before
    assert page.locator(".ac-error:visible, .toast-body:visible").count() == 1
    page.unroute("**/queue/join*")
    page.locator("#ac-compare").click()
    visitor.answered(QUESTION)
    assert page.locator(".ac-error:visible").count() == 0


def test_a_server_that_is_gone_is_said_to_be_gone(visit: Visit):
    visitor = visit()
    page = visitor.page
    before = visitor.trace()
    for path in ("**/queue/join*", "**/app_id*"):
        page.route(path, lambda route: route.abort("connectionrefused"))
    visitor.ask(QUESTION, *SHOPS)
    page.wait_for_selector(TOLD)
    assert (
        page.locator(TOLD).inner_text().startswith("The server does not answer: it has stopped, or is starting again.")
    )
    assert page.locator(".toast-body:visible").count() == 0
    assert visitor.trace() == before
    for path in ("**/queue/join*", "**/app_id*"):
        page.unroute(path)
    page.wait_for_function("!document.querySelector('#ac-trouble')?.textContent")  # loaded anew
    page.wait_for_function("q => document.querySelector('#ac-question textarea')?.value === q", arg=QUESTION)


def test_what_nobody_foresaw_does_not_call_the_queue_full(visit: Visit, monkeypatch: pytest.MonkeyPatch):
    from composer.ui.handlers import Handlers

    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    visitor = visit()
    monkeypatch.setattr(Handlers, "_found", broken)
    visitor.ask(QUESTION, *SHOPS)
    page = visitor.page
    page.wait_for_selector(TOLD)
    assert page.locator(TOLD).inner_text().startswith("The server could not finish this; its log has the details.")
