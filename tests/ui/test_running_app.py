"""`python app.py` as strangers meet it: what they send wrong is told in words, and stays out of the log."""

from __future__ import annotations

import json
import resource
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack
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


def pressed(client: httpx.Client, session: str, index: int, data: list[Any]) -> str:
    """The last message."""
    body = {"data": data, "fn_index": index, "session_hash": session}
    client.post("/gradio_api/queue/join", json=body).raise_for_status()
    with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as stream:
        return next(line for line in stream.iter_lines() if '"process_completed"' in line)


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


def test_what_broke_is_told_to_nobody(client: httpx.Client):
    told = [pressed(client, f"few{index}", index, [SECRET]) for index, inputs in events(client) if inputs > 3]
    broken = [message for message in told if '"success":false' in message]
    assert any('"error":null' in message for message in broken)
    assert all('"error":null' in message or '"error":"Options is' in message for message in broken), broken


def test_nobody_goes_around_the_queue(client: httpx.Client):
    for path in ("run", "api"):
        asked = client.post(f"/gradio_api/{path}/compare", json={"data": ["Where?", ["here", "there"]]})
        assert 400 <= asked.status_code < 500, asked.text
    for index, inputs in events(client):
        body = {"data": [None] * inputs, "fn_index": index, "session_hash": "around"}
        assert 400 <= client.post("/gradio_api/run/predict", json=body).status_code < 500


def compared(client: httpx.Client, **asked: Any) -> str:
    event = client.post("/gradio_api/call/v2/compare", json={**ASKED, **asked}).raise_for_status().json()["event_id"]
    return client.get(f"/gradio_api/call/compare/{event}").text


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"options": "ab"}, "Options is 'ab'; it must be a list of texts."),
        ({"options": ["here", 7]}, "Options is ['here', 7]; it must be a list of texts."),
        ({"options": ["here\nthere", "x"]}, "line break"),
        ({"options": None}, "it must be a list of texts"),
        ({"passage": 7}, "The passage is 7; it must be text."),
        ({"question": ["Where?"]}, "The question is ['Where?']; it must be text."),
        ({"kernel": {"a": 1}}, "Kernel is {'a': 1}; it must be a name."),
        ({"normalization": 7}, "Normalization is 7; it must be a name."),
        ({"majority_sign": []}, "Majority_sign is []; it must be a name."),
        ({"methods": "ties"}, "Methods is 'ties'; it must be a list of names."),
        ({"methods": [{"a": 1}]}, "Methods is [{'a': 1}]; it must be a list of names."),
        ({"embed_options": "yes"}, "Embed_options is 'yes'; it must be true or false."),
        ({"density": 10**19}, "Density is 1e+19; it must be above 0"),
        ({"top_p": "half"}, "Top-p is 'half'; it must be a number"),
        ({"top_k": 1.5}, "Top-k is 1.5; it must be a whole number"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_in_words(client: httpx.Client, asked: dict[str, Any], words: str):
    told = compared(client, **asked)
    assert "event: error" in told
    assert words in json.loads(told.splitlines()[-2].removeprefix("data: "))["error"] if words else True


@pytest.mark.parametrize(
    ("path", "body", "code", "words"),
    [
        ("queue/join", '{"data": [], "fn_index": 9999, "session_hash": "a"}', 404, "no such event"),
        ("queue/join", '{"data": [], "fn_index": -1, "session_hash": "a"}', 404, "no such event"),
        ("queue/join", '{"data": [], "fn_index": "0", "session_hash": "a"}', 404, "no such event"),
        ("queue/join", '{"data": [], "session_hash": "a"}', 404, "no such event"),
        ("queue/join", '{"data": [], "fn_index": 0, "session_hash": 7}', 422, "session_hash must be text"),
        ("queue/join", '{"data": [1e999], "fn_index": 0, "session_hash": "a"}', 400, "finite numbers"),
        ("queue/join", '{"data": [NaN], "fn_index": 0, "session_hash": "a"}', 400, "finite numbers"),
        ("queue/join", '{"data": lantern, "fn_index": 0, "session_hash": "a"}', 400, "not JSON"),
        ("queue/join", '{"data": "lantern", "fn_index": 0, "session_hash": "a"}', 422, "data: list_type"),
        ("queue/join", "[" * 100_000, 400, "nested"),
        ("queue/join", "[]", 400, "must be a JSON object"),
        ("call/compare", "1e999", 400, "finite numbers"),
        ("call/compare", '{"data": ' + "9" * 5_000 + "}", 400, "finite numbers"),
        ("call/nothing", '{"data": []}', 404, "no such event"),
        ("call/v2/nothing", "{}", 404, "no such event"),
        ("call/v2/compare", "{}", 422, "question is missing. Give question, options."),
        ("call/v2/compare", '{"question": "", "options": [], "opt": 1}', 422, "unknown parameter 'opt'. Did you mean"),
        ("run/nothing", '{"data": []}', 404, "no such event"),
        ("cancel", '{"session_hash": 1e999}', 422, "does not fit"),
    ],
)
def test_a_body_that_does_not_fit_is_refused_in_words(
    app: RunningApp, client: httpx.Client, path: str, body: str, code: int, words: str
):
    headers, before = {"Content-Type": "application/json"}, len(app.log())
    refused = client.post(f"/gradio_api/{path}", content=body, headers=headers)
    assert refused.status_code == code, refused.text
    assert words in refused.json()["detail"]
    assert "lantern" not in refused.text
    assert '"exception"' not in app.log()[before:]


@pytest.mark.parametrize("length", [50_001, 60_000])
def test_a_link_that_is_too_long_is_told_in_words(client: httpx.Client, length: int):
    answer = client.get("/?q=" + "x" * length)
    assert (answer.status_code, "longer than 50,000 characters" in answer.text) == (414, True)


def test_the_log_of_the_whole_process_is_json_after_the_start(app: RunningApp, client: httpx.Client):
    ready = app.log().partition("is ready on")[2].splitlines()[1:]
    assert all(json.loads(line)["level"] for line in ready)
    assert "Traceback" not in app.log()


def test_more_open_pages_than_descriptors_leave_some_for_others(small_bank: Path, tmp_path: Path):
    if not shutil.which("prlimit"):
        pytest.skip("prlimit, which would lower the number of descriptors, is missing")
    with running_app(small_bank, tmp_path, before=("prlimit", "--nofile=128:256")) as app, ExitStack() as idle:
        place = httpx.URL(app.address)
        answers = []
        for number in range(260):
            page = idle.enter_context(socket.create_connection((place.host, place.port), PATIENCE))
            page.sendall(b"GET /gradio_api/heartbeat/page%d HTTP/1.1\r\nHost: x\r\n\r\n" % number)
            answers.append(page.recv(12)[9:])
        # the soft limit was raised to the hard one, and half of that is for pages
        assert (answers.count(b"200"), answers.count(b"503")) == (128, 132)
        assert httpx.get(f"{app.address}healthz", timeout=PATIENCE).status_code == 200


def test_the_limit_of_descriptors_is_raised(app: RunningApp):
    soft, hard = resource.prlimit(app.process.pid, resource.RLIMIT_NOFILE)
    assert soft == hard
