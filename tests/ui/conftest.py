"""The page in a real browser: one server and one Chromium for all tests, skipped where there is none."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, NamedTuple

import pytest

from composer.config import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from composer import Composer

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync"
).split()
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS = 90_000
"""A busy machine is slow, not wrong."""


@pytest.fixture(scope="session")
def site(composer: Composer, cache_dir: Path) -> Iterator[str]:
    """The page's address."""
    with served(composer, cache_dir) as address:
        yield address


@contextmanager
def served(composer: Composer, cache_dir: Path) -> Iterator[str]:
    """A page built anew, on a port of its own."""
    pytest.importorskip("gradio")
    from composer.config import AppSettings
    from composer.ui.page import build_page
    from composer.ui.server.health import Health
    from composer.ui.server.launch import launch_options

    settings = AppSettings(port=free_port(), cache_dir=cache_dir)
    page = build_page(composer, settings)
    health = Health(settings.bank)
    health.watch(composer)
    page.launch(**launch_options(settings, health), prevent_thread_lock=True)
    yield f"http://127.0.0.1:{settings.port}/"
    health.close()
    page.close()


@contextmanager
def served_by_a_process(bank: Path, cache_dir: Path, before: Path, *, port: int | None = None) -> Iterator[str]:
    """`python app.py` as a person starts it again, with a copy of the index of the cache `before`: one process at a
    time may hold an index, and one that is built anew can miss a far neighbour that the other found."""
    shutil.copytree(before / "index", cache_dir / "index")
    with running_app(bank, cache_dir, port=port) as app:
        yield app.address


class RunningApp(NamedTuple):
    address: str
    process: subprocess.Popen
    log_file: Path

    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8")


@contextmanager
def running_app(
    bank: Path, cache_dir: Path, *, before: tuple[str, ...] = (), port: int | None = None, **settings: str
) -> Iterator[RunningApp]:
    """`python app.py`, behind another command where one is given, with its settings by their variables."""
    port = port or free_port()
    address = f"http://127.0.0.1:{port}/"
    settings |= {"GRADIO_SERVER_PORT": str(port), "COMPOSER_BANK": str(bank), "COMPOSER_CACHE": str(cache_dir)}
    log = cache_dir / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*before, sys.executable, "app.py"], cwd=ROOT, env={**os.environ, **settings}, stdout=output, stderr=output
        )
    try:
        while not _is_ready(f"{address}healthz"):
            assert process.poll() is None, log.read_text(encoding="utf-8")
            sleep(0.5)
        yield RunningApp(address, process, log)
    finally:
        process.terminate()
        process.wait()


def _is_ready(health: str) -> bool:
    try:
        with urllib.request.urlopen(health, timeout=30) as answer:
            return answer.status == 200
    except OSError:  # refused, or 503 while it starts
        return False


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(CHROMIUM)} is on the PATH")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield opened
        opened.close()


class Watched:
    """A visitor's page, and everything on it that should not have happened."""

    def __init__(self, page: Page, site: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("console", lambda m: self.complaints.append(f"console: {m.text}") if m.type == "error" else None)
        page.on("dialog", lambda dialog: (self.complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: self._check(request.url, site))

    def _check(self, url: str, site: str) -> None:
        if not url.startswith((site, "data:", "blob:")):
            self.complaints.append(f"request to {url}")

    def ask(self, question: str, *options: str) -> None:
        """Fill in the form and press the button; `answered` waits for the outcome."""
        unfold = self.page.locator(".ac-ask")
        if unfold.is_visible() and unfold.get_attribute("aria-expanded") == "false":
            unfold.click()
        self.page.locator("#ac-question textarea").fill(question)
        self.page.locator("#ac-options textarea").fill("\n".join(options))
        self.page.locator("#ac-compare").click()

    def answered(self, question: str) -> dict:
        """The trace on show, once it is this question's."""
        self.page.wait_for_function(
            "q => { const e = document.querySelector('#ac-answers .ac-answers');"
            " return e && e.dataset.trace && JSON.parse(e.dataset.trace).query === q }",
            arg=question,
        )
        return self.trace()

    def trace(self) -> dict:
        return self.page.evaluate("JSON.parse(document.querySelector('#ac-answers .ac-answers').dataset.trace)")

    def chosen_in_grid(self) -> dict[str, int]:
        """By candidate, option by option."""
        return self.page.evaluate(
            "Object.fromEntries([...document.querySelectorAll('.ac-grid td[data-chosen]')]"
            ".map(cell => [cell.dataset.method, Number(cell.dataset.chosen)]))"
        )

    def inputs_on_show(self) -> dict:
        """Those that the answers were made from."""
        return self.page.evaluate("JSON.parse(document.querySelector('#ac-answers .ac-answers').dataset.run)")

    def place_on_map(self, rank: int) -> dict[str, float]:
        """Of a neighbour, within the canvas."""
        return self.page.evaluate(
            "rank => { const box = document.querySelector('.ac-map');"
            " const frame = box.querySelector('.ac-map-stage').getBoundingClientRect();"
            " const [, x, y] = JSON.parse(box.dataset.near)[rank];"
            " return {x: 18 + x * (frame.width - 36), y: frame.height - 18 - y * (frame.height - 36)} }",
            rank,
        )

    def error(self) -> str:
        self.page.wait_for_selector("#ac-error .ac-error")
        return self.page.locator("#ac-error .ac-error").inner_text()


Visit = Callable[..., Watched]


@pytest.fixture
def visit(site: str, browser: Browser) -> Iterator[Visit]:
    """Opens the page as a new visitor: `visit("?q=…", width=390)`, also `at` another address."""
    contexts = []

    def open_page(
        path: str = "", *, width: int = 1280, height: int = 900, dark: bool = False, at: str = site
    ) -> Watched:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            permissions=["clipboard-read", "clipboard-write"],
        )
        contexts.append(context)
        watched = Watched(context.new_page(), at)
        watched.page.goto(at + path)
        watched.page.wait_for_selector("#ac-answers .ac-grid")
        return watched

    yield open_page
    for context in contexts:
        context.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
