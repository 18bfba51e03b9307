"""A visitor without a browser: opens the page and presses Compare, through the same routes as the page's own client."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import httpx

API = "/gradio_api"
PATIENCE = httpx.Timeout(30.0, read=300.0)


class QueueFull(Exception):
    """The server said in one sentence that it takes no more questions now."""


class Broken(Exception):
    """Anything else that a visitor should never meet."""


@dataclass(frozen=True)
class Wiring:
    """What the page's configuration says happens on a press of Compare."""

    button: int
    steps: tuple[dict[str, Any], ...]
    """The press, then what follows it on the server."""
    values: dict[int, Any]
    """Component -> what it holds when the page opens."""
    question: int
    options: int

    @classmethod
    def read(cls, client: httpx.Client) -> Wiring:
        config = client.get("/config").raise_for_status().json()
        parts = {part["props"].get("elem_id"): part["id"] for part in config["components"]}
        button = parts["ac-compare"]
        steps = [step for step in config["dependencies"] if [button, "click"] in step["targets"] and step["backend_fn"]]
        while after := [step for step in config["dependencies"] if _follows(step, steps[-1])]:
            steps += after[:1]
        values = {part["id"]: part["props"].get("value") for part in config["components"]}
        return cls(button, tuple(steps), values, parts["ac-question"], parts["ac-options"])


@dataclass(frozen=True)
class Timing:
    """Milliseconds from the press."""

    neighbours: float
    whole: float


class Visitor:
    """One session. A second one of the same person is another `Visitor`."""

    def __init__(self, address: str) -> None:
        self._client = httpx.Client(base_url=address, timeout=PATIENCE)
        self._session = secrets.token_hex(5)
        self._client.get("/").raise_for_status()
        self._wiring = Wiring.read(self._client)
        self._heartbeat = self._stay()

    def compare(self, question: str, options: tuple[str, ...]) -> Timing:
        """Raises QueueFull or Broken."""
        wiring, start = self._wiring, perf_counter()
        values = {**wiring.values, wiring.question: question, wiring.options: "\n".join(options)}
        marks = []
        for step in wiring.steps:
            self._run(step, [values[part] for part in step["inputs"]])
            marks.append((perf_counter() - start) * 1000)
        return Timing(marks[0], marks[-1])

    def close(self) -> None:
        """As a page that is closed."""
        self._heartbeat.close()
        self._client.close()

    def _stay(self) -> httpx.Response:
        """The request that a page holds open as long as it is there. Its few bytes a minute need no reader."""
        request = self._client.build_request("GET", f"{API}/heartbeat/{self._session}")
        return self._client.send(request, stream=True)

    def _run(self, step: dict[str, Any], data: list[Any]) -> None:
        body = {
            "data": data,
            "event_data": None,
            "fn_index": step["id"],
            "session_hash": self._session,
            "trigger_id": self._wiring.button,
        }
        joined = self._client.post(f"{API}/queue/join", json=body)
        if joined.status_code == 503 and "queue is full" in joined.text:
            raise QueueFull(joined.json()["detail"])
        if joined.status_code != 200:
            raise Broken(f"{joined.status_code}: {joined.text[:200]}")
        self._await(joined.json()["event_id"])

    def _await(self, event: str) -> None:
        for message in self._messages():
            if message.get("msg") == "unexpected_error":
                raise Broken(str(message.get("message")))
            if message.get("msg") == "process_completed" and message.get("event_id") == event:
                check(message)
                return
        raise Broken("the stream ended before the answer")

    def _messages(self) -> Iterator[dict[str, Any]]:
        with self._client.stream("GET", f"{API}/queue/data", params={"session_hash": self._session}) as stream:
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))


def _follows(step: dict[str, Any], before: dict[str, Any]) -> bool:
    return step.get("trigger_after") == before["id"] and not step.get("trigger_only_on_failure")


def check(message: dict[str, Any]) -> None:
    """The first output of every step is the page's line for an error."""
    if not message["success"]:
        raise Broken(str(message["output"].get("error")))
    if "ac-error" in str(message["output"]["data"][0]):
        raise Broken(str(message["output"]["data"][0])[:200])
