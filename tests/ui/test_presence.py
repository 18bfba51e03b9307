"""What stays of visitors who have left."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from composer.config import AppSettings
from composer.ui.server.presence import GRACE, Presence

if TYPE_CHECKING:
    import gradio as gr
    import httpx

PATIENCE = 300.0
"""Seconds; a busy machine is slow, not wrong."""


class Server:
    """Gradio's side of the heartbeats: each lasts until its visitor ends it."""

    def __init__(self) -> None:
        self.time = 0.0
        self.kept = dict.fromkeys(("one", "two"))
        sessions = SimpleNamespace(lock=threading.Lock(), session_data=self.kept, time_last_used={})
        self.events: dict[str, SimpleNamespace] = {}
        queue = SimpleNamespace(
            pending_messages_per_session={}, pending_event_ids_session={}, event_ids_to_events=self.events
        )
        self.gradio = SimpleNamespace(state_holder=sessions, get_blocks=lambda: SimpleNamespace(_queue=queue))
        self.presence = Presence(self._beat, now=lambda: self.time)

    async def _beat(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()

    async def come(self, session: str) -> tuple[asyncio.Task, asyncio.Event]:
        end = asyncio.Event()
        scope = {"type": "http", "path": f"/gradio_api/heartbeat/{session}", "app": self.gradio}
        task = asyncio.create_task(self.presence(scope, end.wait, None))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        return task, end

    async def leave(self, visit: tuple[asyncio.Task, asyncio.Event]) -> None:
        visit[1].set()
        await visit[0]


def told(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """In a thread of its own: where browser tests ran before, the main thread has an event loop already."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(story())).result()


def test_a_session_goes_when_its_page_has_been_closed_for_a_while():
    async def story() -> None:
        server = Server()
        await server.leave(await server.come("one"))
        assert set(server.kept) == {"one", "two"}
        server.time = GRACE
        await server.leave(await server.come("two"))
        assert set(server.kept) == {"two"}

    told(story)


def test_a_page_that_comes_back_in_time_keeps_its_session():
    async def story() -> None:
        server = Server()
        await server.leave(await server.come("one"))
        server.time = GRACE / 2
        back = await server.come("one")
        server.time = 3 * GRACE
        await server.leave(await server.come("two"))
        assert "one" in server.kept
        await server.leave(back)

    told(story)


def test_a_session_stays_as_long_as_one_of_its_connections_does():
    async def story() -> None:
        server = Server()
        stays, goes = await server.come("one"), await server.come("one")
        await server.leave(goes)
        server.time = 3 * GRACE
        await server.leave(await server.come("two"))
        assert "one" in server.kept
        await server.leave(stays)

    told(story)


def test_a_session_stays_while_an_answer_is_on_its_way():
    async def story() -> None:
        server = Server()
        server.events["asked"] = SimpleNamespace(session_hash="one", alive=True)
        await server.leave(await server.come("one"))
        server.time = 2 * GRACE
        await server.leave(await server.come("two"))
        assert "one" in server.kept
        server.events.clear()
        await server.leave(await server.come("two"))
        assert "one" not in server.kept

    told(story)


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[gr.Blocks]:
    """One button that changes a visitor's state; whoever has closed it is not waited for."""
    gr = pytest.importorskip("gradio")
    from composer.ui.server import launch
    from composer.ui.server.health import Health

    monkeypatch.setattr(launch, "Presence", partial(Presence, grace=0.0))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        settings = AppSettings(port=probe.getsockname()[1], cache_dir=tmp_path)
    with gr.Blocks(analytics_enabled=False) as page:
        state = gr.State("nothing yet")
        gr.Button().click(lambda before: "a run", [state], [state])
    page.launch(**launch.launch_options(settings, Health("small")), prevent_thread_lock=True)
    yield page
    launch.close_page(page)


def press(client: httpx.Client, session: str) -> None:
    body = {"data": [None], "fn_index": 0, "session_hash": session}
    client.post("/queue/join", json=body).raise_for_status()
    with client.stream("GET", "/queue/data", params={"session_hash": session}) as stream:
        assert any('"process_completed"' in line for line in stream.iter_lines())


def test_visitors_who_have_closed_the_page_leave_nothing_behind(page: gr.Blocks):
    import httpx

    sessions, queue = page.state_holder.session_data, page._queue
    with httpx.Client(base_url=f"{page.local_url}gradio_api", timeout=PATIENCE) as client:
        with ExitStack() as open_pages:
            for number in range(10):
                open_pages.enter_context(client.stream("GET", f"/heartbeat/visitor{number}"))
                press(client, f"visitor{number}")
            kept = [weakref.ref(state) for state in sessions.values()]
            assert len(kept) == 10
        give_up = monotonic() + PATIENCE
        while (sessions or queue.pending_messages_per_session) and monotonic() < give_up:
            with client.stream("GET", "/heartbeat/another"):
                sleep(0.05)
    gc.collect()
    assert [state for state in kept if state() is not None] == []
    assert (dict(queue.pending_messages_per_session), queue.pending_event_ids_session) == ({}, {})


def test_the_runs_of_so_many_visitors_are_kept_and_no_more(tmp_path: Path):
    gr = pytest.importorskip("gradio")
    import httpx

    from composer.ui.server import launch
    from composer.ui.server.health import Health

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        settings = AppSettings(port=probe.getsockname()[1], cache_dir=tmp_path, sessions=3)
    with gr.Blocks(analytics_enabled=False) as page:
        state = gr.State("nothing yet")
        gr.Button().click(lambda before: "a run", [state], [state])
    page.launch(**launch.launch_options(settings, Health("small")), prevent_thread_lock=True)
    with httpx.Client(base_url=f"{page.local_url}gradio_api", timeout=PATIENCE) as client:
        for number in range(8):
            press(client, f"visitor{number}")
    assert set(page.state_holder.session_data) == {"visitor5", "visitor6", "visitor7"}
    launch.close_page(page)
