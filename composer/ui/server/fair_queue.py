"""Gradio's queue, for visitors who are strangers: they take turns, and what is kept for them is bounded."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import fastapi
import gradio as gr
from fastapi import HTTPException
from gradio.data_classes import PredictBodyInternal
from gradio.queueing import Event, Queue
from gradio.server_messages import EventMessage
from gradio.utils import run_coro_in_background

from composer.ui.server.mailbox import UNREAD_SECONDS, Mailboxes
from composer.ui.server.presence import forget, is_awaited
from composer.ui.server.stopping import STOPPING
from composer.ui.server.turns import HURRIES, WAITS, Load, Rates, Served
from composer.ui.server.visitors import public_address

SWEEP_SECONDS = 5.0
SESSIONS_WITH_MESSAGES = 2_000


class FairQueue(Queue):
    """Its methods run in the server's one event loop, so nothing of them needs a lock."""

    def __init__(self, page: gr.Blocks, *, max_size: int, trust_proxy: bool = False) -> None:
        super().__init__(
            live_updates=True,
            concurrency_count=page.max_threads,
            update_intervals=1,
            max_size=max_size,
            blocks=page,
            default_concurrency_limit="not_set",
        )
        self.boxes = self.pending_messages_per_session = Mailboxes(SESSIONS_WITH_MESSAGES)
        self.closing = False
        """Whether no more is taken."""
        self._trust_proxy = trust_proxy
        self._rates, self._served = Rates(), Served()

    def start(self) -> None:
        super().start()
        run_coro_in_background(self._keep_sweeping)

    async def push(
        self, body: PredictBodyInternal, request: fastapi.Request, username: str | None
    ) -> tuple[bool, Any, Any]:
        """Raises HTTPException: 429 where the visitor has asked for enough already, 503 where the app stops."""
        words = STOPPING if self.closing else self._refusal(body, request)
        if words:
            raise HTTPException(503 if self.closing else 429, words, headers={"Retry-After": "5"})
        return await super().push(body, request, username)

    def get_events(self) -> tuple[list[Event], bool, str] | None:
        """The next one is of the visitor whose last turn is the longest ago."""
        for waiting in self.event_queue_per_concurrency_id.values():
            waiting.queue.sort(key=lambda event: self._served.last(self._visitor(event)))
        found = super().get_events()
        for event in found[0] if found else ():
            self._served.note(self._visitor(event))
        return found

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits or runs, and everything was fetched."""
        return not any(self._pending()) and not self.boxes.bytes

    def _refusal(self, body: PredictBodyInternal, request: fastapi.Request) -> str:
        fn, session = self.blocks.fns.get(body.fn_index or 0), body.session_hash
        address = self._address(request)
        names = [name for name in (session, address) if name]
        if not all([self._rates.take(name) for name in names]):
            return HURRIES
        events = list(self._pending())
        own = [self._load(event for event in events if event.session_hash == session)] if session else []
        if address:
            own.append(self._load(event for event in events if self._address(event.request) == address))
        if not _is_scarce(fn):
            own = [replace(load, waiting=0) for load in own]
        return WAITS if any(load.is_full for load in own) else ""

    def _pending(self) -> Iterator[Event]:
        for queue in self.event_queue_per_concurrency_id.values():
            yield from queue.queue
        for job in self.active_jobs:
            yield from job or ()

    def _load(self, events: Iterable[Event]) -> Load:
        found = list(events)
        running = [event for job in self.active_jobs for event in job or ()]
        return Load(sum(_is_scarce(event.fn) and event not in running for event in found), len(found))

    def _visitor(self, event: Event) -> str:
        return self._address(event.request) or event.session_hash

    def _address(self, request: fastapi.Request) -> str:
        return public_address(request, trust_proxy=self._trust_proxy)

    def send_message(self, event: Event, event_message: EventMessage) -> None:
        if event.session_hash not in self.pending_messages_per_session:
            event.alive = False
            return
        super().send_message(event, event_message)
        for session in self.boxes.overfull():
            self.drop(session)

    def drop(self, session: str) -> None:
        """All that waits for a session, and the work that would add to it."""
        for event in [event for event in self.event_ids_to_events.values() if event.session_hash == session]:
            event.alive = False
            waiting = self.event_queue_per_concurrency_id[event.concurrency_id].queue
            if event in waiting:
                waiting.remove(event)
                self.event_ids_to_events.pop(event._id, None)
        forget(self.server_app, session)

    def sweep(self) -> None:
        """Drop what nobody has come for, and forget programs that were answered; a page has its heartbeat."""
        for session in self.boxes.forgotten(UNREAD_SECONDS):
            self.drop(session)
        if self.server_app is None:
            return
        long_ago = datetime.now() - timedelta(seconds=UNREAD_SECONDS)
        here: Counter[str] = getattr(self.server_app.state, "present", Counter())
        used: dict[str, Any] = self.blocks.state_holder.time_last_used
        for session in [session for session, when in used.items() if when < long_ago and not here[session]]:
            if not is_awaited(self.server_app, session):
                forget(self.server_app, session)

    async def _keep_sweeping(self) -> None:
        while not self.stopped:
            await asyncio.sleep(SWEEP_SECONDS)
            self.sweep()


def _is_scarce(fn: Any) -> bool:  # noqa: ANN401 - Gradio's BlockFunction
    """Whether its events wait for the models."""
    return fn is not None and fn.concurrency_limit is not None


def take_queue(page: gr.Blocks, *, max_size: int, trust_proxy: bool = False) -> FairQueue:
    """Give the page its queue. `api_open` stays off: it would answer whoever goes around the queue."""
    page.queue(api_open=False, max_size=max_size)
    page._queue = FairQueue(page, max_size=max_size, trust_proxy=trust_proxy)
    return page._queue
