"""Strangers who ask at the same time: nobody's questions keep the others from theirs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from composer.config import AppSettings
from composer.errors import ComposerError
from composer.ui.server import turns
from composer.ui.server.answers import Answers
from composer.ui.server.turns import HURRIES, PENDING, WAITING, WAITS, Rates
from composer.ui.server.visitors import public_address

from .conftest import free_port

PATIENCE = 300.0
"""Seconds; a busy machine is slow, not wrong."""
ASKED = {"question": "Where?", "options": ["here", "there"]}


class Crowded:
    """The page behind a proxy, with models that answer when they are let."""

    def __init__(self, address: str, queue: Any) -> None:
        self.client, self.queue = httpx.Client(base_url=address, timeout=PATIENCE), queue
        self.free, self.asked = threading.Event(), []

    def ask(self, question: str, address: str) -> httpx.Response:
        headers = {"X-Forwarded-For": f"9.9.9.9, {address}, 10.0.0.1"}
        return self.client.post("/gradio_api/call/v2/compare", json={**ASKED, "question": question}, headers=headers)

    def result(self, event: httpx.Response) -> str:
        return self.client.get(f"/gradio_api/call/compare/{event.json()['event_id']}").text


@pytest.fixture
def crowded(composer, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crowded]:
    from composer.ui import page as page_module
    from composer.ui.server.health import Health
    from composer.ui.server.hosted_work import hosted_work
    from composer.ui.server.launch import close_page, launch_options

    settings = AppSettings(port=free_port(), cache_dir=cache_dir, queue_size=20, trust_proxy=True)
    crowded = Crowded(f"http://127.0.0.1:{settings.port}", None)

    def held(run: Any) -> Iterator[Any]:
        crowded.asked.append(run.inputs.question)
        crowded.free.wait()
        yield from work(run)

    work = hosted_work(composer, settings, Answers())
    crowded.free.set()
    monkeypatch.setattr(page_module, "hosted_work", lambda *_: held)
    page = page_module.build_page(composer, settings)
    crowded.free.clear()
    crowded.asked.clear()
    crowded.queue = page._queue
    page.launch(**launch_options(settings, Health("tiny")), prevent_thread_lock=True)
    yield crowded
    crowded.free.set()
    close_page(page)


def test_one_visitor_does_not_fill_the_queue_and_the_others_come_in_between(crowded: Crowded):
    first = crowded.ask("greedy 0", "8.8.8.8")
    while not crowded.asked:
        sleep(0.02)
    many = [crowded.ask(f"greedy {number}", "8.8.8.8") for number in range(1, 12)]
    assert [answer.status_code for answer in many] == [200] * WAITING + [429] * (11 - WAITING)
    assert many[-1].json()["detail"] == WAITS
    other = crowded.ask("modest", "8.8.4.4")
    assert other.status_code == 200
    crowded.free.set()
    for event in (first, *many[:WAITING], other):
        assert "event: complete" in crowded.result(event)
    # the modest one had no turn yet
    assert crowded.asked == ["greedy 0", "modest", "greedy 1", "greedy 2"]


def test_quick_events_of_one_session_are_bounded_too(crowded: Crowded, monkeypatch: pytest.MonkeyPatch):
    find = next(fn._id for fn in crowded.queue.blocks.fns.values() if fn.name == "find")
    monkeypatch.setattr(crowded.queue, "get_events", lambda: None)
    body = {"data": [], "fn_index": find, "session_hash": "one"}
    codes = [crowded.client.post("/gradio_api/queue/join", json=body).status_code for _ in range(PENDING + 3)]
    assert codes[-1] == 429
    assert codes.count(200) == PENDING


def test_a_program_that_hurries_is_told_so(crowded: Crowded, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(turns, "BURST", 1.0)
    assert crowded.ask("one", "8.8.8.8").status_code == 200
    refused = crowded.ask("two", "8.8.8.8")
    assert (refused.status_code, refused.json()["detail"]) == (429, HURRIES)
    assert crowded.ask("three", "8.8.4.4").status_code == 200


def test_work_that_nobody_waits_for_any_more_gives_way(crowded: Crowded):
    with crowded.client.stream("POST", "/gradio_api/call/v2/compare", json=ASKED) as joined:
        event = httpx.Response(200, content=joined.read()).json()["event_id"]
    while not crowded.asked:
        sleep(0.02)
    with crowded.client.stream("GET", f"/gradio_api/call/compare/{event}"):
        sleep(0.5)
    held = crowded.queue.event_ids_to_events
    until(lambda: not any(one.alive for one in held.values()))


def until(holds: Any) -> None:
    give_up = monotonic() + PATIENCE
    while not holds():
        assert monotonic() < give_up
        sleep(0.05)


# The pieces


@pytest.mark.parametrize(
    ("forwarded", "peer", "trusted", "address"),
    [
        ("8.8.8.8", "10.0.0.1", True, "8.8.8.8"),
        ("9.9.9.9, 8.8.8.8, 10.0.0.2", "10.0.0.1", True, "8.8.8.8"),
        ("8.8.8.8", "10.0.0.1", False, ""),
        ("8.8.8.8", "1.1.1.1", False, "1.1.1.1"),
        ("nonsense", "127.0.0.1", True, ""),
        ("2001:4860:4860::8888", "::1", True, "2001:4860:4860::8888"),
    ],
)
def test_an_address_is_what_the_last_proxy_saw(forwarded: str, peer: str, trusted: bool, address: str):
    headers = [(b"x-forwarded-for", forwarded.encode())]
    request = Request({"type": "http", "headers": headers, "client": (peer, 1)})
    assert public_address(request, trust_proxy=trusted) == address


def test_a_bucket_fills_up_again():
    now = [0.0]
    rates = Rates(lambda: now[0])
    assert all(rates.take("one") for _ in range(300))
    assert not rates.take("one")
    assert rates.take("two")
    now[0] = 1.0
    assert [rates.take("one") for _ in range(11)] == [True] * 10 + [False]


def test_a_drag_of_ten_seconds_is_no_hurry():
    now = [0.0]
    rates = Rates(lambda: now[0])
    for _ in range(200):
        now[0] += 0.05
        assert rates.take("one")


# How long an answer may take


def test_while_an_answer_hangs_its_visitor_and_health_are_told(
    composer, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    from composer.ui.page import build_page
    from composer.ui.server import hosted_work
    from composer.ui.server.health import Health
    from composer.ui.server.launch import close_page, launch_options

    free = threading.Event()
    free.set()
    work = hosted_work.model_work(composer)

    def held(run: Any) -> Iterator[Any]:
        free.wait()
        yield from work(run)

    monkeypatch.setattr(hosted_work, "model_work", lambda _: held)
    settings = AppSettings(port=free_port(), cache_dir=cache_dir, answer_seconds=2)
    health = Health("tiny")
    page = build_page(composer, settings, health.answers)
    health.watch(composer)
    page.launch(**launch_options(settings, health), prevent_thread_lock=True)
    with httpx.Client(base_url=f"http://127.0.0.1:{settings.port}", timeout=PATIENCE) as client:
        free.clear()
        event = client.post("/gradio_api/call/v2/compare", json=ASKED).json()["event_id"]
        told = client.get(f"/gradio_api/call/compare/{event}").text
        assert "The answer was not there after 2 seconds" in told
        answer = client.get("/healthz")
        assert (answer.status_code, answer.json()["status"]) == (503, "stuck")
        assert answer.json()["oldest_answer_seconds"] >= 2
        free.set()
        until(lambda: client.get("/healthz").status_code == 200)
        assert client.get("/healthz").json()["oldest_answer_seconds"] == 0
    health.close()
    close_page(page)


@pytest.fixture
def stuck() -> Iterator[SimpleNamespace]:
    end, ran = threading.Event(), []

    def work(run: str) -> Iterator[str]:
        ran.append(run)
        yield "one"
        end.wait()
        yield "two"

    yield SimpleNamespace(work=work, end=end, ran=ran)
    end.set()


def test_an_answer_that_takes_too_long_is_refused_in_words_and_health_tells(stuck: SimpleNamespace):
    answers = Answers()
    work = answers.limited(stuck.work, 0.3, lambda: lambda: True)
    steps = work("first")
    assert next(steps) == "one"
    with pytest.raises(ComposerError, match=r"not there after 0 seconds.*fewer methods"):
        next(steps)
    # what hangs goes on hanging, and whoever comes next is not left without a word either
    assert answers.stuck and answers.oldest_seconds > 0.3
    with pytest.raises(ComposerError, match="not there"):
        next(work("second"))
    stuck.end.set()
    until(lambda: answers.oldest_seconds == 0)
    assert list(work("third")) == ["one", "two"]
    assert stuck.ran == ["first", "third"]


def test_an_answer_that_nobody_waits_for_ends_at_its_next_step(stuck: SimpleNamespace):
    answers, waits = Answers(), [True]
    steps = answers.limited(stuck.work, PATIENCE, lambda: lambda: waits[0])("one")
    next(steps)
    waits[0] = False
    with pytest.raises(ComposerError, match="Nobody waits"):
        next(steps)
    stuck.end.set()
    until(lambda: answers.oldest_seconds == 0)


def test_what_fails_in_the_thread_fails_where_it_was_asked_for():
    def work(run: str) -> Iterator[str]:
        raise TimeoutError("of its own")
        yield run

    with pytest.raises(TimeoutError, match="of its own"):
        next(Answers().limited(work, PATIENCE, lambda: lambda: True)("one"))
