"""What stands around the page, with a page of one button and models that take their time."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic
from types import SimpleNamespace

import pytest

from composer.config import AppSettings

from .sample import inputs, prediction, trace

PATIENCE = 300.0
"""Seconds; a busy machine is slow, not wrong."""


class Models:
    """Work that yields as long as nobody closes it, or answers at once."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.may_end = threading.Event()

    def work(self, run) -> Iterator:
        self.started.release()
        while not self.may_end.wait(0.02):
            yield run
        yield replace(run, trace=replace(trace({"linear": 0}), references=(prediction("top1", 0),)))

    def wait_until_started(self) -> None:
        assert self.started.acquire(timeout=PATIENCE)


@pytest.fixture
def models() -> Iterator[Models]:
    models = Models()
    yield models
    models.may_end.set()


@pytest.fixture
def site(models: Models, tmp_path: Path) -> Iterator[str]:
    gr = pytest.importorskip("gradio")
    from composer.ui.handlers import Handlers
    from composer.ui.panels import PANELS
    from composer.ui.running import Run
    from composer.ui.server.downloads import Downloads
    from composer.ui.server.fair_queue import take_queue
    from composer.ui.server.health import Health
    from composer.ui.server.hosted_work import logged
    from composer.ui.server.launch import launch_options
    from composer.ui.wiring import changing

    form = inputs()
    slow = SimpleNamespace(num_parameters=lambda: 10**10)
    composer = SimpleNamespace(base=SimpleNamespace(model=slow))
    handlers = Handlers(composer, logged(models.work), form, (), None, Downloads(tmp_path))
    found = Run(form, replace(trace({}), predictions=()))
    settings = AppSettings(port=_free_port(), cache_dir=tmp_path)
    with gr.Blocks(analytics_enabled=False) as page:
        asked, shown = gr.State(found), gr.State(None)
        filled = {name: gr.HTML() for name in ("error", *PANELS)} | {"shown": shown, "found": asked}
        answer = changing(filled, handlers.answer)
        gr.Button().click(**answer, inputs=[asked, shown], concurrency_limit=1, api_name="answer")
    take_queue(page, max_size=1)
    page.launch(**launch_options(settings, Health("small")), prevent_thread_lock=True)
    yield f"http://127.0.0.1:{settings.port}"
    models.may_end.set()
    page.close()


@pytest.fixture
def lines() -> Iterator[list[logging.LogRecord]]:
    """Of the request log."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    log = logging.getLogger("composer.requests")
    before = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield records
    log.removeHandler(handler)
    log.setLevel(before)


class Visitor:
    def __init__(self, site: str, name: str) -> None:
        import httpx

        self.name = name
        self.client = httpx.Client(base_url=f"{site}/gradio_api", timeout=PATIENCE)

    def press(self):
        return self.client.post("/queue/join", json={"data": [None, None], "fn_index": 0, "session_hash": self.name})

    @contextmanager
    def listening(self) -> Iterator[Iterator[dict]]:
        """The messages; leaving the block drops the connection."""
        with self.client.stream("GET", "/queue/data", params={"session_hash": self.name}) as stream:
            yield (json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: "))


def until(messages: Iterator[dict], kind: str) -> dict:
    return next(message for message in messages if message["msg"] == kind)


def test_health_is_told_while_the_models_work(site: str, models: Models):
    visitor = Visitor(site, "one")
    assert visitor.press().status_code == 200
    models.wait_until_started()
    for path in ("/healthz", "/gradio_api/healthz"):
        answer = visitor.client.get(site + path)
        assert (answer.status_code, answer.json()["status"]) == (503, "starting")
    assert not models.may_end.is_set()


def test_health_is_told_within_a_tenth_of_a_second_while_the_models_work(site: str, models: Models):
    visitor = Visitor(site, "one")
    visitor.press()
    models.wait_until_started()
    give_up = monotonic() + PATIENCE
    # on a busy machine not every answer is quick, but none would be that waits for the models
    while monotonic() < give_up:
        asked = monotonic()
        visitor.client.get(f"{site}/healthz")
        if monotonic() - asked < 0.1:
            break
    assert monotonic() < give_up
    assert not models.may_end.is_set()


def test_a_visitor_who_goes_away_frees_the_models_for_the_next_one(site: str, models: Models, lines: list):
    one, two = Visitor(site, "one"), Visitor(site, "two")
    one.press()
    with one.listening() as messages:
        until(messages, "process_generating")
    two.press()
    models.wait_until_started()
    # nothing but the disconnection ends the first visitor's work
    models.wait_until_started()
    models.may_end.set()
    with two.listening() as messages:
        assert until(messages, "process_completed")["success"]
    assert [line.fields["outcome"] for line in lines] == ["left", "done"]


def test_a_visitor_who_goes_away_while_waiting_gives_up_the_place(site: str, models: Models):
    one, two, three = (Visitor(site, name) for name in ("one", "two", "three"))
    one.press()
    models.wait_until_started()
    two.press()
    with two.listening() as messages:
        assert until(messages, "estimation")["rank"] == 0
    waiting = threading.Event()
    while three.press().status_code == 503:
        assert not waiting.wait(0.1)


def test_a_full_queue_is_one_sentence(site: str, models: Models):
    from composer.ui.server.guard import QUEUE_FULL

    one, two, three = (Visitor(site, name) for name in ("one", "two", "three"))
    one.press()
    models.wait_until_started()
    assert two.press().status_code == 200
    refused = three.press()
    assert (refused.status_code, refused.json()) == (503, {"detail": QUEUE_FULL})
    called = three.client.post("/call/answer", json={"data": []})
    assert (called.status_code, called.json()) == (503, {"detail": QUEUE_FULL})
    assert QUEUE_FULL.count(".") == 1


@pytest.mark.parametrize("path", ["/upload", "/upload/", "/process_recording", "/component_server", "/deep_link"])
def test_what_the_page_never_uses_is_refused(site: str, path: str):
    client = Visitor(site, "one").client
    answer = client.get(path) if path == "/deep_link" else client.post(path, files={"files": ("a.txt", b"a")})
    assert answer.status_code == 403
    assert "typed text only" in answer.json()["detail"]


def test_files_of_the_project_are_not_served(site: str):
    from composer.config import ROOT

    client = Visitor(site, "one").client
    for file in (ROOT / "app.py", ROOT / "composer" / "config.py"):
        assert client.get(f"/file={file}").status_code in (403, 404)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_tool_server_without_its_package_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch):
    from composer.errors import SettingsError
    from composer.ui.server import launch
    from composer.ui.server.health import Health

    monkeypatch.setattr(launch.importlib.util, "find_spec", lambda name: None)
    assert launch.launch_options(AppSettings(), Health("tiny"))["mcp_server"] is False
    with pytest.raises(SettingsError, match="mcp is missing"):
        launch.launch_options(AppSettings(mcp=True), Health("tiny"))
