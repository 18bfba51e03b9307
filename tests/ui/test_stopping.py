"""The process is asked to stop, as a host or a container's runtime does."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import httpx
import pytest

from composer.config import ROOT
from composer.ui.server.stopping import DRAIN_SECONDS, Stopping

from .conftest import free_port, running_app

PATIENCE = 300.0
"""Seconds; a busy machine is slow, not wrong."""
ASKED = {"question": "Where?", "options": ["here", "there"]}
PID_1 = ("unshare", "-pf", "--mount-proc", "--kill-child")


def in_its_own_process_list() -> tuple[str, ...]:
    if not shutil.which("unshare") or subprocess.run([*PID_1, "true"], capture_output=True, check=False).returncode:
        pytest.skip("unshare is missing, or may not make a list of processes of its own")
    return PID_1


@pytest.mark.parametrize("first", [False, True], ids=["as a process", "as process 1"])
def test_answers_are_finished_before_the_process_ends_with_status_0(small_bank: Path, tmp_path: Path, first: bool):
    before = in_its_own_process_list() if first else ()
    with running_app(small_bank, tmp_path, before=before) as app, httpx.Client(base_url=app.address) as client:
        client.timeout = httpx.Timeout(PATIENCE)
        with client.stream("GET", "/gradio_api/heartbeat/open"):
            asked = [client.post("/gradio_api/call/v2/compare", json=ASKED).json()["event_id"] for _ in range(3)]
            os.kill(child_of(app.process.pid) if first else app.process.pid, signal.SIGTERM)
            until_it_stops(client)
            refused = client.post("/gradio_api/call/v2/compare", json=ASKED)
            assert (refused.status_code, refused.json()["detail"][:27]) == (503, "The app is being restarted;")
            for event in asked:
                assert "event: complete" in client.get(f"/gradio_api/call/compare/{event}").text
        assert app.process.wait(PATIENCE) == 0
        assert "Traceback" not in app.log()


def child_of(number: int) -> int:
    return int(Path(f"/proc/{number}/task/{number}/children").read_text().split()[0])


def until_it_stops(client: httpx.Client) -> None:
    give_up = monotonic() + PATIENCE
    while (answer := client.get("/healthz")).json()["status"] != "stopping":
        assert monotonic() < give_up
        sleep(0.05)
    assert answer.status_code == 503


def test_a_process_that_still_starts_ends_at_once(small_bank: Path, tmp_path: Path):
    port = free_port()
    settings = {"GRADIO_SERVER_PORT": str(port), "COMPOSER_BANK": str(small_bank), "COMPOSER_CACHE": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env={**os.environ, **settings})
    give_up = monotonic() + PATIENCE
    while monotonic() < give_up:
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz")
            break
        except httpx.HTTPError:
            sleep(0.01)
    process.terminate()
    assert process.wait(PATIENCE) == 0


def test_what_hangs_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("composer.ui.server.stopping.DRAIN_SECONDS", 0.2)
    asked = monotonic()
    Stopping().drain(lambda: False)
    assert 0.2 <= monotonic() - asked < DRAIN_SECONDS
