"""What a chat shows for a link to the page."""

from __future__ import annotations

import re
import struct
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from types import SimpleNamespace

import httpx
import pytest

from composer.config import ROOT
from composer.ui.server.preview import PICTURE, Preview, card

from .sample import HOSTILE

pytestmark = pytest.mark.browser


def tags(page: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<meta\s+(?:property|name)="((?:og|twitter):[^"]+)"\s+content="([^"]*)"', page):
        found.setdefault(name, []).append(unescape(value))
    return found


def test_the_page_has_a_card_of_its_own_and_no_other(site: str):
    head = httpx.get(site).text.partition("</head>")[0]
    found = tags(head)
    assert {len(values) for values in found.values()} == {1}
    assert found["og:title"] == found["twitter:title"] == ["Adapter Composer"]
    assert found["twitter:card"] == ["summary_large_image"]
    assert "Gradio" not in str(found) and "{url}" not in head
    picture = httpx.get(found["og:image"][0])
    assert picture.headers["content-type"] == "image/png"
    assert struct.unpack(">II", picture.content[16:24]) == (1200, 630)
    assert len(picture.content) < 400_000 and picture.content == PICTURE.read_bytes()
    assert PICTURE.is_relative_to(ROOT)


def test_a_links_card_asks_its_question_and_nothing_in_it_is_markup(site: str):
    head = httpx.get(site, params={"q": HOSTILE}).text.partition("</head>")[0]
    assert tags(head)["og:title"][0].startswith("<img src=x onerror=alert(1)>")
    assert "<img" not in head


def test_behind_a_proxy_and_on_a_space_addresses_are_those_of_the_outside():
    from starlette.requests import Request

    headers = [(b"host", b"127.0.0.1:7860"), (b"x-forwarded-proto", b"https"), (b"x-forwarded-host", b"me-it.hf.space")]
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"q=a", "headers": headers, "scheme": "http"}
    found = tags(card(Request({**scope, "server": ("127.0.0.1", 7860)}), "https://huggingface.co/spaces/me/it"))
    assert found["og:image"] == ["https://me-it.hf.space/gradio_api/preview.png"]
    assert found["og:url"] == ["https://huggingface.co/spaces/me/it?q=a"]


def test_what_is_no_page_passes_as_it_is():
    import anyio

    sent: list[dict] = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        assert len(sent) == 2  # at once
        await send({"type": "http.response.body", "body": b"two"})

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"", "server": ("h", 1)}
    with ThreadPoolExecutor() as aside:  # a browser's event loop may be running here
        aside.submit(anyio.run, Preview(app), {**scope, "scheme": "http"}, SimpleNamespace(), send).result()
    assert [one.get("body") for one in sent] == [None, b"one", b"two"]
