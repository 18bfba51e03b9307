"""Who has the page open, so that what is kept of a visitor goes soon after its end.

A page holds one request open from its first moment to its last: its heartbeat. When that ends, Gradio 6.31 marks the
session and keeps it, with all that its panels showed, until `state_session_capacity` others have come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from time import monotonic
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

GRACE = 60.0
"""Seconds in which a page that lost its connection comes back by itself."""
_HEARTBEAT = "/gradio_api/heartbeat/"


class Presence:
    """Runs in the server's one event loop, so nothing of it needs a lock."""

    def __init__(self, app: ASGIApp, *, grace: float = GRACE, now: Callable[[], float] = monotonic) -> None:
        self.app = app
        self._grace, self._now = grace, now
        self._here: Counter[str] = Counter()
        self._left: dict[str, float] = {}
        """Session -> when; the first to leave first."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        session = _heartbeat_of(scope)
        if not session:
            await self.app(scope, receive, send)
            return
        if "app" in scope and hasattr(scope["app"], "state"):
            scope["app"].state.present = self._here
        self._come(session)
        try:
            await self.app(scope, receive, send)
        finally:
            self._leave(session)
            self._sweep(scope["app"])

    def _come(self, session: str) -> None:
        self._here[session] += 1
        self._left.pop(session, None)

    def _leave(self, session: str) -> None:
        self._here[session] -= 1
        if not self._here[session]:
            del self._here[session]
            self._left[session] = self._now()

    def _sweep(self, gradio_app: Any) -> None:  # noqa: ANN401 - Gradio's App, which is not typed
        long_ago = self._now() - self._grace
        for session in [session for session, when in self._left.items() if when <= long_ago]:
            if not is_awaited(gradio_app, session):
                del self._left[session]
                forget(gradio_app, session)


def is_awaited(gradio_app: Any, session: str) -> bool:  # noqa: ANN401 - Gradio's App, which is not typed
    """Whether the queue still has a message to send there."""
    events = gradio_app.get_blocks()._queue.event_ids_to_events.values()
    return any(event.alive and event.session_hash == session for event in events)


def forget(gradio_app: Any, session: str) -> None:  # noqa: ANN401 - Gradio's App, which is not typed
    """Whoever comes back with this session all the same is a new visitor."""
    sessions, queue = gradio_app.state_holder, gradio_app.get_blocks()._queue
    with sessions.lock:
        sessions.session_data.pop(session, None)
        sessions.time_last_used.pop(session, None)
    queue.pending_messages_per_session.pop(session, None)
    queue.pending_event_ids_session.pop(session, None)


def _heartbeat_of(scope: Scope) -> str:
    """The session whose heartbeat is asked for; "" for all else."""
    path: str = scope.get("path", "") if scope["type"] == "http" else ""
    return path.removeprefix(_HEARTBEAT).rstrip("/") if path.startswith(_HEARTBEAT) else ""
