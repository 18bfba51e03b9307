"""In front of Gradio's own routes: what this page never uses is refused, and a full queue is told in our words."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

QUEUE_FULL = "Many visitors are asking just now and the queue is full; try again in a minute."
REFUSED = "This page takes typed text only: uploads and saved files are off."

_API = "/gradio_api/"
_UPLOADS = ("upload", "process_recording")
UPLOADS = tuple(f"{_API}{name}" for name in _UPLOADS)
"""Their paths."""
_ASKS = ("queue/join", "call/")
_KEEPS_FILES = ("deep_link",)
"""Saves a visitor's whole state in a file, and nothing ever deletes it."""


class Guard:
    def __init__(self, app: ASGIApp, uploads: bool = False) -> None:
        self.app = app
        self._refused = _KEEPS_FILES if uploads else _KEEPS_FILES + _UPLOADS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = _name(scope)
        if name.rstrip("/") in self._refused or (_multipart(scope) and "upload" in self._refused):
            await JSONResponse({"detail": REFUSED}, 403)(scope, receive, send)
        elif scope.get("method") == "POST" and name.startswith(_ASKS):
            await self.app(scope, receive, _Rewording(send))
        else:
            await self.app(scope, receive, send)


class _Rewording:
    """Holds back a 503 until its body is there, and replaces one that says that the queue is full."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 503:
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        body = json.dumps({"detail": QUEUE_FULL}).encode() if b"Queue is full" in self._body else self._body
        kept = [(key, value) for key, value in start["headers"] if key.lower() != b"content-length"]
        start["headers"] = [*kept, (b"content-length", str(len(body)).encode())]
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def _name(scope: Scope) -> str:
    """The path below Gradio's prefix; "" for all else."""
    path: str = scope.get("path", "") if scope["type"] == "http" else ""
    return path.removeprefix(_API) if path.startswith(_API) else ""


def _multipart(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "POST":
        return False
    headers: list[tuple[bytes, Any]] = scope["headers"]
    return any(key == b"content-type" and value.startswith(b"multipart/") for key, value in headers)
