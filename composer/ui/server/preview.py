"""The card that a chat or a feed shows for a link to the page: Gradio's own tags say "Gradio" and name its picture."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from composer.config import ROOT
from composer.ui.markup import esc, shortened

TITLE = "Adapter Composer"
DESCRIPTION = (
    "Ask a question: see which tasks it resembles, which LoRA adapters that calls for, and what each way of merging"
    " them answers."
)
PICTURE = ROOT / "assets" / "preview.png"
"""1,200 x 630; `make screenshots` takes it."""
PATH = "/gradio_api/preview.png"
"""Below Gradio's own prefix: where Node stands in front, it passes on little else."""
_OTHERS = re.compile(rb'<meta\s+(?:property|name)="(?:og|twitter):[^>]*?/>\s*')


def picture_route() -> Route:
    async def picture(_: Request) -> FileResponse:
        return FileResponse(PICTURE, headers={"Cache-Control": "public, max-age=86400"})

    return Route(PATH, picture)


class Preview:
    """Puts the card into the page's HTML, with the question that the address asks."""

    def __init__(self, app: ASGIApp, public_url: str | None = None) -> None:
        self.app, self._public_url = app, public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not _is_page(scope):
            await self.app(scope, receive, send)
            return
        await self.app(scope, receive, _Inserting(send, card(Request(scope), self._public_url).encode()))


def _is_page(scope: Scope) -> bool:
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")) in ("", "/")


def card(request: Request, public_url: str | None) -> str:
    """The tags; the picture's address is whole, as those who read them want it."""
    question = parse_qs(request.url.query).get("q", [""])[-1].strip()
    title = f"{shortened(question, 90)} · {TITLE}" if question else TITLE
    base = _base(request)
    search = f"?{request.url.query}" if request.url.query else ""
    tags = {
        "og:type": "website",
        "og:site_name": TITLE,
        "og:title": title,
        "og:description": DESCRIPTION,
        "og:url": f"{public_url or base + '/'}{search}",
        "og:image": base + PATH,
        "og:image:width": "1200",
        "og:image:height": "630",
        "og:image:alt": "The page: a map of training examples, task weights, and what each merge answers",
        "twitter:card": "summary_large_image",
        "twitter:title": title,
        "twitter:description": DESCRIPTION,
        "twitter:image": base + PATH,
        "description": DESCRIPTION,
    }
    kinds = {name: "property" if name.startswith("og:") else "name" for name in tags}
    return "".join(f'<meta {kinds[name]}="{name}" content="{esc(value)}" />' for name, value in tags.items())


def _base(request: Request) -> str:
    """As whoever asks sees the server: a proxy in front says so in its headers."""
    scheme = request.headers.get("x-forwarded-proto", request.url.scheme).split(",")[0].strip()
    host = request.headers.get("x-forwarded-host", request.url.netloc).split(",")[0].strip()
    return f"{scheme}://{host}{request.scope.get('root_path', '')}"


class _Inserting:
    """Holds back a page of HTML until it is whole; all else passes."""

    def __init__(self, send: Send, tags: bytes) -> None:
        self._send, self._tags = send, tags
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_plain_html(message["headers"]):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        head, end, rest = self._body.partition(b"</head>")
        body = _OTHERS.sub(b"", head) + self._tags + end + rest if end else self._body
        kept = [(key, value) for key, value in start["headers"] if key.lower() != b"content-length"]
        await self._send({**start, "headers": [*kept, (b"content-length", str(len(body)).encode())]})
        await self._send({"type": "http.response.body", "body": body})


def _is_plain_html(headers: list[tuple[bytes, bytes]]) -> bool:
    found = {key.lower(): value for key, value in headers}
    return found.get(b"content-type", b"").startswith(b"text/html") and b"content-encoding" not in found
