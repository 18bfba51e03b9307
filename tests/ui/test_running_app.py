"""`python app.py` as strangers meet it: what they send wrong is told in words, and stays out of the log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from .conftest import RunningApp, running_app

PATIENCE = 300.0
"""Seconds; a busy machine is slow, not wrong."""
ASKED = {"question": "Where?", "options": ["here", "there"]}
SECRET = 'my lantern\n{"request": "forged", "level": "info"}\u2028'


@pytest.fixture(scope="module")
def app(small_bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    with running_app(small_bank, tmp_path_factory.mktemp("app")) as app:
        yield app


@pytest.fixture(scope="module")
def client(app: RunningApp) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=app.address, timeout=PATIENCE) as client:
        yield client


def events(client: httpx.Client) -> list[tuple[int, int]]:
    """(index, number of inputs) of all that the page may ask for over the queue."""
    config = client.get("/config").json()
    return [(one["id"], len(one["inputs"])) for one in config["dependencies"] if one["queue"] and one["backend_fn"]]


def pressed(client: httpx.Client, session: str, index: int, data: list[Any]) -> None:
    """And waited for."""
    body = {"data": data, "fn_index": index, "session_hash": session}
    client.post("/gradio_api/queue/join", json=body).raise_for_status()
    with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as stream:
        assert any('"process_completed"' in line for line in stream.iter_lines())


@pytest.mark.parametrize("value", [SECRET, [SECRET], {SECRET: SECRET}, SECRET * 1_000])
def test_nothing_that_is_posted_to_any_event_comes_into_the_log(app: RunningApp, client: httpx.Client, value: Any):
    before = len(app.log())
    for index, inputs in events(client):
        pressed(client, f"wrong{index}", index, [value] * inputs)
        pressed(client, f"few{index}", index, [value])
    said = app.log()[before:]
    assert "lantern" not in said and "forged" not in said
    assert len(said) < 200_000
    assert [line for line in said.split("\n") if line and not isinstance(json.loads(line), dict)] == []


def test_the_log_of_the_whole_process_is_json_after_the_start(app: RunningApp, client: httpx.Client):
    ready = app.log().partition("is ready on")[2].splitlines()[1:]
    assert all(json.loads(line)["level"] for line in ready)
    assert "Traceback" not in app.log()
