"""The page, in a browser, where the queue takes no more."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .conftest import PATIENCE_MS, free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from composer import Composer

pytestmark = pytest.mark.browser


@pytest.fixture
def crowded(composer: Composer, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a page whose models are busy, with one more question waiting and no room for another."""
    import httpx

    from composer.config import AppSettings
    from composer.ui import page as page_module
    from composer.ui.server.answers import Answers
    from composer.ui.server.health import Health
    from composer.ui.server.hosted_work import hosted_work
    from composer.ui.server.launch import launch_options

    settings, free, busy = AppSettings(port=free_port(), cache_dir=cache_dir, queue_size=1), threading.Event(), []
    work = hosted_work(composer, settings, Answers())

    def held(run):
        busy.append(run)
        free.wait()
        yield from work(run)

    free.set()
    monkeypatch.setattr(page_module, "hosted_work", lambda *_: held)
    page = page_module.build_page(composer, settings)
    busy.clear()
    free.clear()
    page.launch(**launch_options(settings, Health("tiny")), prevent_thread_lock=True)
    address = f"http://127.0.0.1:{settings.port}"
    arguments = {"question": "Where?", "options": ["here", "there"]}
    ask = f"{address}/gradio_api/call/v2/compare"
    assert httpx.post(ask, json=arguments, timeout=300).status_code == 200
    while not busy:
        threading.Event().wait(0.05)
    assert httpx.post(ask, json=arguments, timeout=300).status_code == 200
    yield address
    free.set()
    page.close()


def test_a_full_queue_is_one_sentence_beside_the_button_and_the_last_result_stays(crowded: str, browser: Browser):
    from composer.ui.server.guard import QUEUE_FULL

    visitor = browser.new_page()
    visitor.set_default_timeout(PATIENCE_MS)
    visitor.goto(crowded)
    answers = visitor.locator("#ac-answers td[data-chosen]")
    answers.first.wait_for()
    before = answers.count()
    visitor.locator("#ac-compare").click()
    visitor.locator("#ac-trouble .ac-error", has_text=QUEUE_FULL).wait_for()
    answers.first.wait_for()
    assert answers.count() == before
    visitor.close()
