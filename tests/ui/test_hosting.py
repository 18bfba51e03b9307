"""The app where a Space would run it: code that nobody may write to, no home, another user, nothing but loopback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, NamedTuple

import pytest

from composer.config import DEFAULT_METHODS, ROOT, AppSettings

from .conftest import Watched

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HERE = Path(__file__).parent
SHIPPED = ("app.py", "composer", "assets")


class Space(NamedTuple):
    met: dict
    """What the visitor met; see space_like.py."""
    log: list[str]
    lent: list[dict]
    """One per call on a lent GPU."""
    left: set[str]
    """Files in the code folder that were not there before."""


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    """Open to all: pytest's own folders keep other users out."""
    folder = Path(mkdtemp(prefix="space-"))
    folder.chmod(0o777)
    yield folder
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(0o700)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def space(scratch: Path, tiny_bank: Path) -> Space:
    pytest.importorskip("gradio_client")
    if os.getuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("as root every folder can be written, and setpriv, which could change the user, is missing")
    code = read_only_copy(scratch / "code", tiny_bank)
    before = files(code)
    run = [*own_network(), sys.executable, str(HERE / "space_like.py"), str(code), str(scratch)]
    visited = subprocess.run(
        run, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True, check=False
    )
    log = (scratch / "log").read_text(encoding="utf-8").splitlines()
    assert visited.returncode == 0, "\n".join(log)
    lent = [json.loads(line) for line in (scratch / "gpu").read_text(encoding="utf-8").splitlines()]
    return Space(json.loads(visited.stdout.splitlines()[-1]), log, lent, files(code) - before)


def read_only_copy(code: Path, bank: Path) -> Path:
    for source, name in (*((ROOT / name, name) for name in SHIPPED), (bank, "adapters/tiny")):
        target = code / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    for path in (*code.rglob("*"), code):
        path.chmod(0o555 if path.is_dir() else 0o444)
    return code


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def own_network() -> list[str]:
    """A network with nothing but loopback where that can be had; proxies that lead nowhere do elsewhere."""
    unshare = ["unshare", "--net"]
    try:
        allowed = subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        allowed = False
    return unshare if allowed else []


def test_the_main_job_works_on_a_space(space: Space):
    assert set(space.met["chosen"]) == {"base", *DEFAULT_METHODS}
    assert space.met["health"]["status"] == "ok"
    assert space.met["health"]["index"]["canary"] is True
    assert space.met["links_to_the_space"]
    assert space.met["upload"] == 403


def test_a_space_answers_that_it_is_cold_before_it_is_warm(space: Space):
    assert space.met["health_met"] == [[503, "starting"], [200, "ok"]]


def test_the_app_writes_nothing_where_it_may_not_and_says_where_it_writes(space: Space, scratch: Path):
    assert space.left == set()
    notices = [line for line in space.log if "COMPOSER_CACHE" in line]
    assert len(notices) == 1
    assert str(scratch) in notices[0]
    if os.getuid() == 0:
        assert space.met["user"] != 0


def test_the_models_work_where_a_gpu_is_lent_and_nowhere_else(space: Space):
    # once for the endpoint and once for the page; none at the start, when no GPU is there
    assert len(space.lent) == 2
    assert all(1 <= call["seconds"] <= 120 for call in space.lent)


def test_the_log_holds_a_line_for_each_request_and_none_of_the_visitors_words(space: Space):
    lines = [json.loads(line) for line in space.log if line.startswith("{")]
    requests = [(line["request"], line["outcome"]) for line in lines if "request" in line]
    assert requests[-4:] == [("find", "done"), ("answer", "done")] * 2
    assert [line for line in space.log if "lantern" in line or '"level": "error"' in line] == []


@pytest.fixture
def rendered(composer, cache_dir: Path) -> Iterator[str]:
    """The address of the whole page, with Node in front."""
    if shutil.which("node") is None:
        pytest.skip("there is no node")
    from composer.ui.page import build_page
    from composer.ui.server.health import Health
    from composer.ui.server.launch import close_page, launch_options

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Gradio sets its own where Node stands in front
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    settings, health = AppSettings(port=port, cache_dir=cache_dir, ssr=True), Health("tiny")
    health.watch(composer)
    page = build_page(composer, settings)
    page.launch(**launch_options(settings, health), prevent_thread_lock=True)
    assert page.node_process is not None
    yield f"http://127.0.0.1:{port}"
    health.close()
    close_page(page)
    for number, handler in handlers.items():
        signal.signal(number, handler)
    # a Node that is left behind keeps the port
    assert page.node_process.poll() is not None


def test_with_node_in_front_the_endpoint_answers_and_uploads_are_refused(rendered: str):
    import httpx
    from gradio_client import Client

    # all that Gradio 6.31 renders is the frame around its components
    assert "gradio-container" in httpx.get(rendered, timeout=300).text.partition("<body")[2]
    trace = Client(rendered, verbose=False).predict("Where would you go?", ["a bakery", "a shop"], api_name="/compare")
    assert set(trace["predictions"]) == {"base", *DEFAULT_METHODS}
    assert httpx.get(f"{rendered}/gradio_api/healthz", timeout=300).status_code == 200
    refused = httpx.post(f"{rendered}/gradio_api/upload", files={"files": b"a"}, timeout=300)
    assert refused.status_code == 403


@pytest.mark.browser
def test_with_node_in_front_the_page_does_its_job(rendered: str, browser: Browser):
    visitor = Watched(browser.new_page(), f"{rendered}/")
    visitor.page.goto(rendered)
    visitor.page.wait_for_selector("#ac-answers .ac-grid")
    visitor.ask("Where would you go to buy a lantern?", "a bakery", "a camping store")
    trace = visitor.answered("Where would you go to buy a lantern?")
    assert set(visitor.chosen_in_grid()) == {"base", "top1", "uniform", *DEFAULT_METHODS}
    assert trace["weights"]["kept"]
    assert visitor.complaints == []
    visitor.page.close()
