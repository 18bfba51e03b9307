"""Before anything of a request is read: how long it may be, and how long it may take to arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 1_000_000
"""Bytes of one request; all that a person may type is a tenth of that."""
MAX_BODIES = 64 * MAX_BODY
"""Bytes of all requests that are being answered."""
MAX_LINK = 50_000
"""Bytes of a link's question mark and what follows. A server in front takes less, and a browser's address bar too."""
LINK_TOO_LONG = (
    f"This link is longer than {MAX_LINK:,} characters, the most that is read here. "
    "Open the page without it and paste the passage into its field."
)
SECONDS = 20.0
"""In which a body must have arrived."""
TOO_LONG = f"The request is longer than {MAX_BODY // 1_000_000} MB, the most that is read here. Shorten the texts."
TOO_SLOW = f"The request had not arrived after {SECONDS:.0f} seconds. Send it again."
TOO_MANY = "Many long requests are arriving just now; try again in a minute."

Check = Callable[[Scope, bytes], "Refusal | None"]
Refusal = tuple[int, str]
"""(HTTP status, a sentence)."""


class Intake:
    """A body is read here, within its bounds, and handed on whole if `check` has nothing against it.

    It runs in the server's one event loop, so nothing of it needs a lock.
    """

    def __init__(
        self, app: ASGIApp, check: Check | None = None, *, unread: tuple[str, ...] = (), seconds: float = SECONDS
    ) -> None:
        self.app = app
        self._check, self._unread, self._seconds = check, unread, seconds
        """`unread`: paths whose bodies have bounds of their own."""
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and len(scope.get("query_string", b"")) > MAX_LINK:
            await PlainTextResponse(LINK_TOO_LONG, 414)(scope, receive, send)
            return
        if scope["type"] != "http" or not _has_body(scope) or scope["path"].rstrip("/") in self._unread:
            await self.app(scope, receive, send)
            return
        body = bytearray()
        try:
            refusal = await self._read(scope, receive, body) or (self._check and self._check(scope, bytes(body)))
            if refusal:
                await refuse(*refusal)(scope, receive, send)
            else:
                await self.app(scope, _replayed(bytes(body), receive), send)
        except _LeftError:
            pass
        finally:
            self._held -= len(body)

    async def _read(self, scope: Scope, receive: Receive, body: bytearray) -> Refusal | None:
        if _declared(scope) > MAX_BODY:
            return 413, TOO_LONG
        try:
            async with asyncio.timeout(self._seconds):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _LeftError
                    chunk = message.get("body", b"")
                    more = message.get("more_body", False)
                    if len(body) + len(chunk) > MAX_BODY:
                        return 413, TOO_LONG
                    if self._held + len(chunk) > MAX_BODIES:
                        return 503, TOO_MANY
                    body += chunk
                    self._held += len(chunk)
        except TimeoutError:
            return 408, TOO_SLOW
        return None


class _LeftError(Exception):
    """Whoever sent the request has gone before its end."""


def refuse(status: int, words: str) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    # what was not read of the body would be taken for the next request
    return JSONResponse({"detail": words}, status, headers={"Connection": "close"} if status in (408, 413) else None)


def _has_body(scope: Scope) -> bool:
    return any(key in (b"content-length", b"transfer-encoding") for key, _ in scope["headers"])


def _declared(scope: Scope) -> int:
    """Bytes; 0 where the request does not say."""
    text = next((value for key, value in scope["headers"] if key == b"content-length"), b"0")
    return int(text) if text.isdigit() and len(text) < 20 else MAX_BODY + 1


def _replayed(body: bytes, receive: Receive) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay
