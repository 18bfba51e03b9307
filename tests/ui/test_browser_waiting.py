"""What a visitor sees while the models work, or others are served first."""

from __future__ import annotations

import threading

import pytest

from .conftest import PATIENCE_MS, Visit

pytestmark = pytest.mark.browser

QUESTION = "Where would you go to buy a lantern?"
OPTIONS = ("a bakery", "a camping store", "a shoe store")
NOTE_ANSWERS = """() => { window.seen = []; new MutationObserver(() => {
  const busy = document.querySelector('#ac-answers .ac-answers[aria-busy]');
  const state = document.querySelector('.ac-pill [data-state]').textContent;
  const merges = [...document.querySelectorAll('.ac-mini')].slice(2);
  if (busy) window.seen.push([merges.filter((one) => one.dataset.chosen).length, state, merges.length]);
}).observe(document.documentElement, { childList: true, subtree: true }) }"""


def test_answers_come_one_by_one_where_the_model_is_slow(visit: Visit, composer, monkeypatch):
    from composer import Query
    from composer.ui import running

    monkeypatch.setattr(running, "is_slow", lambda composer: True)
    visitor = visit()
    visitor.page.evaluate(NOTE_ANSWERS)
    visitor.ask(QUESTION, *OPTIONS)
    trace = visitor.answered(QUESTION)
    seen = visitor.page.evaluate("window.seen")
    assert {0, 1, 2, 3} <= {answered for answered, _, _ in seen}
    assert {merges for _, _, merges in seen} == {4}
    together = composer.explain(Query(QUESTION, OPTIONS))
    for prediction in together.predictions:
        probabilities = trace["predictions"][prediction.method]["probabilities"]
        assert probabilities == pytest.approx(prediction.probabilities, abs=1e-4)
    visitor.page.wait_for_function(
        "['top1', 'uniform'].every(name => document.querySelector(`.ac-grid td[data-method=${name}]`))"
    )
    assert visitor.complaints == []


def test_bad_input_while_the_models_work_costs_a_visitor_no_answer(visit: Visit, composer, monkeypatch):
    held = threading.Event()
    score = type(composer).score

    def slowly(self, *given, **named):
        assert held.wait(PATIENCE_MS / 1000)
        return score(self, *given, **named)

    monkeypatch.setattr(type(composer), "score", slowly)
    first, second = visit(), visit()
    try:
        first.ask(QUESTION, *OPTIONS)
        first.page.wait_for_function("document.querySelector('[data-state]').textContent === 'answering'")
        second.ask(QUESTION, *OPTIONS)
        second.page.locator("#ac-answers .ac-skeleton-bar").first.wait_for()
        second.ask("", *OPTIONS)
        second.error()
    finally:
        held.set()
    second.answered(QUESTION)
    assert second.page.locator("#ac-answers .ac-skeleton-bar").count() == 0
    assert second.error() and second.complaints == []


def test_the_pill_tells_the_place_in_the_queue(visit: Visit, composer, monkeypatch):
    held = threading.Event()
    score = type(composer).score

    def slowly(self, *given, **named):
        assert held.wait(PATIENCE_MS / 1000)
        return score(self, *given, **named)

    monkeypatch.setattr(type(composer), "score", slowly)
    visitors = [visit(), visit(), visit()]
    states = [visitor.page.locator(".ac-pill [data-state]") for visitor in visitors]
    assert [state.inner_text() for state in states] == ["ready"] * 3
    try:
        visitors[0].ask(QUESTION, *OPTIONS)
        visitors[0].page.wait_for_function("document.querySelector('[data-state]').textContent === 'answering'")
        for place, visitor in enumerate(visitors[1:], start=1):
            visitor.ask(QUESTION, *OPTIONS)
            words = f"queued, {place} of {place}"
            visitor.page.wait_for_function(
                "words => document.querySelector('[data-state]').textContent === words", arg=words
            )
        first_chart = visitors[2].page.locator("#ac-list .ac-preview").first.inner_text()
        assert first_chart == visitors[1].page.locator("#ac-list .ac-preview").first.inner_text()
    finally:
        held.set()
    for visitor, state in zip(visitors, states, strict=True):
        visitor.answered(QUESTION)
        visitor.page.wait_for_function("document.querySelector('[data-state]').textContent === 'ready'")
        assert state.inner_text() == "ready" and visitor.complaints == []
