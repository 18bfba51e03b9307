"""What waits for a visitor until the page, or a program, fetches it: bounded in bytes and in time."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

import orjson
from gradio.server_messages import EventMessage
from gradio.utils import LRUCache

UNREAD_SECONDS = 60.0
"""After which nobody will come for it: a page reads at once, and a program asks for its result next."""
VISITOR_BYTES = 8_000_000
ALL_BYTES = 128_000_000
_ENVELOPE = 500


class Mailbox(asyncio.Queue[EventMessage]):
    """Knows how many bytes it holds, and since when nobody has fetched any."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0
        self._sizes: list[int] = []
        self._since = monotonic()

    @property
    def unread_seconds(self) -> float:
        return monotonic() - self._since if self.bytes else 0.0

    def _put(self, item: EventMessage) -> None:
        if not self.bytes:
            self._since = monotonic()
        self._sizes.append(_size(item))
        self.bytes += self._sizes[-1]
        super()._put(item)  # type: ignore[misc]

    def _get(self) -> EventMessage:
        self._since = monotonic()
        self.bytes -= self._sizes.pop(0)
        return super()._get()  # type: ignore[misc, no-any-return]


class Mailboxes(LRUCache[str, Any]):
    """Session to its Mailbox, whatever queue Gradio makes for a new one."""

    def __setitem__(self, session: str, _: object) -> None:
        super().__setitem__(session, Mailbox())

    @property
    def bytes(self) -> int:
        return sum(box.bytes for box in self.values())

    def overfull(self) -> list[str]:
        """Sessions to be dropped so that the rest is within bounds, those that were longest unread first."""
        too_big = [session for session, box in self.items() if box.bytes > VISITOR_BYTES]
        total = self.bytes - sum(self[session].bytes for session in too_big)
        if total <= ALL_BYTES:
            return too_big
        rest = sorted((box.unread_seconds, session) for session, box in self.items() if session not in too_big)
        while total > ALL_BYTES:
            session = rest.pop()[1]
            total -= self[session].bytes
            too_big.append(session)
        return too_big

    def forgotten(self, seconds: float) -> list[str]:
        """Sessions that have not come for what waits for them."""
        return [session for session, box in self.items() if box.unread_seconds > seconds]


def _size(message: EventMessage) -> int:
    output = getattr(message, "output", None)
    return _ENVELOPE + (len(orjson.dumps(output, default=str)) if output else 0)
