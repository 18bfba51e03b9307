"""Gradio's queue, for visitors who are strangers: what is kept for them is bounded."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import gradio as gr
from gradio.queueing import Event, Queue
from gradio.server_messages import EventMessage
from gradio.utils import run_coro_in_background

from composer.ui.server.mailbox import UNREAD_SECONDS, Mailboxes
from composer.ui.server.presence import forget, is_awaited

SWEEP_SECONDS = 5.0
SESSIONS_WITH_MESSAGES = 2_000


class FairQueue(Queue):
    """Its methods run in the server's one event loop, so nothing of them needs a lock."""

    def __init__(self, page: gr.Blocks, *, max_size: int) -> None:
        super().__init__(
            live_updates=True,
            concurrency_count=page.max_threads,
            update_intervals=1,
            max_size=max_size,
            blocks=page,
            default_concurrency_limit="not_set",
        )
        self.boxes = self.pending_messages_per_session = Mailboxes(SESSIONS_WITH_MESSAGES)

    def start(self) -> None:
        super().start()
        run_coro_in_background(self._keep_sweeping)

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


def take_queue(page: gr.Blocks, *, max_size: int) -> FairQueue:
    """Give the page its queue. `api_open` stays off: it would answer whoever goes around the queue."""
    page.queue(api_open=False, max_size=max_size)
    page._queue = FairQueue(page, max_size=max_size)
    return page._queue
