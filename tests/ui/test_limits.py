"""What is too long, too much or never fetched, sent to the running page by a program."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic, sleep, time
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from composer.config import AppSettings
from composer.errors import MAX_SHOWN, shown, unknown
from composer.types import MAX_PASSAGE_CHARS
from composer.ui.api import PARAMETERS
from composer.ui.server import downloads, fair_queue, mailbox
from composer.ui.server.intake import MAX_BODY, Intake

from .conftest import free_port, served

PATIENCE = 300.0
"""Seconds; a busy machine is slow, not wrong."""
ASKED = {"question": "Where?", "options": ["here", "there"]}


@pytest.fixture
def client(site: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{site}gradio_api", timeout=PATIENCE) as client:
        yield client


def compared(client: httpx.Client, **asked: Any) -> tuple[str, Any]:
    """(complete or error, what came with it)."""
    joined = client.post("/call/v2/compare", json={**ASKED, **asked})
    joined.raise_for_status()
    lines = client.get(f"/call/compare/{joined.json()['event_id']}").text.splitlines()
    events = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    data = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    return events[-1], data[-1]


# How long


def test_a_passage_beyond_the_limit_is_refused_with_both_numbers(client: httpx.Client):
    ended, told = compared(client, passage="p" * (MAX_PASSAGE_CHARS + 1))
    assert ended == "error"
    assert "The passage has 40,001 characters; 40,000 are allowed" in told["error"]


def test_the_command_line_refuses_the_same_passage(cli, refused):
    asked = ("predict", "--query=Where?", "--option=here", "--option=there")
    refused(cli(*asked, "--context", "p" * (MAX_PASSAGE_CHARS + 1)), "40,001 characters; 40,000 are allowed")


def test_the_limit_of_a_passage_is_told_where_it_is_asked_for(client: httpx.Client, cli):
    config = client.get("/../config").json()
    (field,) = [one["props"] for one in config["components"] if one["props"].get("elem_id") == "ac-passage"]
    assert "40,000 characters" in field["info"] and field["max_length"] == MAX_PASSAGE_CHARS
    assert "40,000 characters" in PARAMETERS["passage"]
    assert "40,000 characters" in " ".join(cli("predict", "--help").out.split())


@pytest.mark.parametrize("path", ["/call/compare", "/call/v2/compare", "/queue/join", "/cancel", "/nowhere"])
def test_a_body_beyond_the_limit_is_refused_in_words(client: httpx.Client, path: str):
    refused = client.post(path, json={"data": ["x" * MAX_BODY]})
    assert refused.status_code == 413
    assert refused.json()["detail"].startswith("The request is longer than 1 MB")


def test_a_body_that_is_declared_too_long_is_refused_before_it_is_sent(site: str):
    with sent(site, b"Content-Length: 6000000\r\n\r\n") as answer:
        assert b" 413 " in answer.split(b"\r\n")[0]


def test_a_body_in_pieces_is_counted(site: str):
    piece = b"%x\r\n%b\r\n" % (100_000, b"x" * 100_000)
    with sent(site, b"Transfer-Encoding: chunked\r\n\r\n" + 11 * piece) as answer:
        assert b" 413 " in answer.split(b"\r\n")[0]


@contextmanager
def sent(site: str, rest: bytes) -> Iterator[bytes]:
    """The answer's beginning."""
    place = urlsplit(site)
    with closing(socket.create_connection((place.hostname, place.port), PATIENCE)) as connection:
        head = b"POST /gradio_api/call/compare HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        connection.sendall(head + rest)
        yield connection.recv(4096)


def test_a_value_is_repeated_in_part_only(client: httpx.Client):
    ended, told = compared(client, kernel="k" * 900_000)
    assert ended == "error"
    assert "Unknown kernel 'kkk" in told["error"]
    assert len(told["error"]) < 4 * MAX_SHOWN


@pytest.mark.parametrize("value", ["x" * 10**6, ["x" * 1000], 10**400, 10**5000, {"a": "b" * 500}], ids=range(5))
def test_no_value_makes_a_message_long(value: object):
    assert len(shown(value)) <= MAX_SHOWN
    assert len(unknown("kernel", value, ("inverse",))) < 3 * MAX_SHOWN if isinstance(value, str) else True


# How much is kept


@pytest.fixture
def hasty(composer, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[httpx.Client, Any]]:
    """A page that drops after two seconds what nobody fetched, and its queue."""
    kept: list[Any] = []
    monkeypatch.setattr(fair_queue, "SWEEP_SECONDS", 0.1)
    monkeypatch.setattr(fair_queue, "UNREAD_SECONDS", 2.0)
    made = fair_queue.FairQueue.__init__
    monkeypatch.setattr(
        fair_queue.FairQueue, "__init__", lambda self, *a, **k: (made(self, *a, **k), kept.append(self))[0]
    )
    with served(composer, cache_dir) as address, httpx.Client(base_url=address, timeout=PATIENCE) as client:
        client.base_url = f"{address}gradio_api"
        yield client, kept[-1]


def test_results_that_nobody_fetches_are_dropped_and_their_visitors_forgotten(hasty: tuple[httpx.Client, Any]):
    client, queue = hasty
    for _ in range(3):
        client.post("/call/v2/compare", json=ASKED).raise_for_status()
    until(lambda: queue.pending_messages_per_session.bytes > 10_000)
    until(lambda: not queue.pending_messages_per_session and not queue.blocks.state_holder.session_data)
    assert queue.pending_event_ids_session == {}


def test_a_page_that_stays_open_is_not_forgotten(hasty: tuple[httpx.Client, Any]):
    client, queue = hasty
    with client.stream("GET", "/heartbeat/open"):
        queue.blocks.state_holder["open"]
        sleep(4)
        assert "open" in queue.blocks.state_holder.session_data
    until(lambda: "open" not in queue.blocks.state_holder.session_data)


def until(holds: Any) -> None:
    give_up = monotonic() + PATIENCE
    while not holds():
        assert monotonic() < give_up
        sleep(0.05)


def test_one_visitors_results_are_bounded_and_so_are_all(monkeypatch: pytest.MonkeyPatch):
    from gradio.server_messages import ProcessCompletedMessage

    monkeypatch.setattr(mailbox, "VISITOR_BYTES", 10_000)
    monkeypatch.setattr(mailbox, "ALL_BYTES", 20_000)
    boxes = mailbox.Mailboxes(100)
    for name, size in (("big", 11_000), ("one", 7_000), ("two", 7_000), ("three", 7_000)):
        boxes[name] = None
        boxes[name].put_nowait(ProcessCompletedMessage(output={"data": ["x" * size]}, success=True))
        sleep(0.01)
    assert boxes.overfull() == ["big", "one"]
    boxes["one"].get_nowait()
    assert (boxes["one"].bytes, boxes["one"].unread_seconds) == (0, 0.0)


@contextmanager
def open_to_uploads(tmp_path: Path) -> Iterator[str]:
    gr = pytest.importorskip("gradio")
    from composer.ui.server.health import Health
    from composer.ui.server.launch import close_page, launch_options

    settings = AppSettings(port=free_port(), cache_dir=tmp_path, uploads=True)
    with gr.Blocks(analytics_enabled=False) as page:
        gr.Textbox()
    page.launch(**launch_options(settings, Health("small")), prevent_thread_lock=True)
    yield f"http://127.0.0.1:{settings.port}/gradio_api/upload"
    close_page(page)


def test_where_uploads_are_on_a_file_has_a_limit_all_the_same(tmp_path: Path):
    with open_to_uploads(tmp_path) as upload:
        assert httpx.post(upload, files={"files": ("a.txt", b"a" * 500_000)}, timeout=PATIENCE).status_code == 200
        assert httpx.post(upload, files={"files": ("a.txt", b"a" * 2_000_000)}, timeout=PATIENCE).status_code == 413


def test_a_body_that_does_not_arrive_is_not_waited_for():
    def told(*messages: dict[str, Any]) -> int:
        async def receive() -> dict[str, Any]:
            return waiting.pop(0) if waiting else await asyncio.sleep(PATIENCE)  # type: ignore[func-returns-value]

        async def send(message: Any) -> None:
            said.append(message)

        waiting, said = list(messages), []
        scope = {"type": "http", "path": "/", "headers": [(b"content-length", b"9")]}
        # in a thread of its own: where browser tests ran before, the main thread has an event loop already
        with ThreadPoolExecutor(1) as thread:
            thread.submit(lambda: asyncio.run(Intake(app, seconds=0.1)(scope, receive, send))).result()
        return said[0]["status"] if said else 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["body"] == b"whole"
        await send({"status": 200})

    assert told({"type": "http.request", "body": b"who", "more_body": True}) == 408
    assert told({"type": "http.request", "body": b"whole"}) == 200
    assert told({"type": "http.disconnect"}) == 0


def test_a_file_made_for_a_visitor_lasts_for_some_minutes(tmp_path: Path):
    async def told(address: str) -> int:
        name = {"place": address.removeprefix(downloads.PATH)}
        answer = await kept.route().endpoint(SimpleNamespace(path_params=name))
        return answer.status_code

    kept = downloads.Downloads(tmp_path)
    old, young = kept.put("old.zip", b"old"), kept.put("young.zip", b"young")
    long_ago = time() - 16 * 60
    os.utime((tmp_path / old.removeprefix(downloads.PATH)).parent, (long_ago, long_ago))
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(lambda: [asyncio.run(told(one)) for one in (old, young)]).result() == [404, 200]
    kept.put("next.zip", b"next")
    assert sorted(path.name for path in tmp_path.rglob("*.zip")) == ["next.zip", "young.zip"]
