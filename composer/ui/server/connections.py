"""How many connections may stay open: some descriptors must be left for whoever comes next, and for the index."""

from __future__ import annotations

import resource

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

TOO_MANY = "As many visitors as this server can hold have the page open; try again in a minute."
_STREAMS = ("/gradio_api/heartbeat/", "/gradio_api/queue/data", "/gradio_api/call/")


def raise_limit() -> None:
    """As many descriptors as this process may have at all: a shell often allows 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    except (OSError, ValueError):
        pass  # where the kernel's own limit is lower, what there is must do


def most_streams() -> int:
    """Half of the descriptors."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, min(allowed, 100_000) // 2)


class Streams:
    """Counts the answers that have no end of their own: heartbeats, and messages as they come."""

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        self.app = app
        self._most, self._open = most, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(_STREAMS):
            await self.app(scope, receive, send)
        elif self._open >= self._most:
            refusal = JSONResponse({"detail": TOO_MANY}, 503, headers={"Retry-After": "60", "Connection": "close"})
            await refusal(scope, receive, send)
        else:
            self._open += 1
            try:
                await self.app(scope, receive, send)
            finally:
                self._open -= 1
