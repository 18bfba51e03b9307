"""A Hub on the loopback interface that holds small models and can be told to misbehave."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from numpy import full
from safetensors.numpy import save

COMMIT = "0123456789" * 4
ADAPTER, BASE = "someone/lora-piqa", "meta-llama/Llama-2-7b-hf"
ONE, TWO = (save({"weight": full((64, 64), value, dtype="float32")}) for value in (1, 2))
BASE_CONTENT = {
    "config.json": b"{}",
    "tokenizer.json": b"{}",
    "model.safetensors.index.json": b'{"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}',
    "one.safetensors": ONE,
    "two.safetensors": TWO,
    "pytorch_model.bin": b"pickle",
    "modeling.py": b"code",
}


@dataclass
class Hub:
    models: dict[str, dict[str, bytes]] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    """Files whose connection is dropped half-way."""
    status: int | None = None
    """Answers everything."""
    requests: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def running(hub: Hub) -> Iterator[Hub]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer()

    def answer(self) -> None:
        self.hub.requests.append(f"{self.command} {self.path}")
        path = unquote(urlsplit(self.path).path).strip("/").split("/")
        if self.hub.status:
            return self.send(self.hub.status, b"{}")
        api = path[:2] == ["api", "models"]
        path = path[2:] if api else path
        name, rest = "/".join(path[:2]), path[2:]
        files = self.hub.models.get(name)
        if files is None:
            return self.send(401, b"{}", {"X-Error-Code": "RepoNotFound"})
        if name in self.hub.gated and not (api and rest[:1] == ["revision"]):
            allowed = "Authorization" in self.headers
            return self.send(403 if allowed else 401, b"{}", {"X-Error-Code": "GatedRepo"})
        if api:
            return self.describe(name, files, rest)
        return self.file(files, "/".join(rest[2:]))

    def describe(self, name: str, files: dict[str, bytes], rest: list[str]) -> None:
        if rest[0] == "revision":
            if rest[1] not in ("main", COMMIT):
                return self.send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            return self.json({"id": name, "sha": COMMIT, "siblings": [{"rfilename": path} for path in files]})
        return self.json([_entry(path, content) for path, content in files.items()])

    def file(self, files: dict[str, bytes], name: str) -> None:
        if name not in files:
            return self.send(404, b"", {"X-Error-Code": "EntryNotFound"})
        content, start = files[name], 0
        if "Range" in self.headers:
            start = int(self.headers["Range"].removeprefix("bytes=").split("-")[0])
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha1(content).hexdigest()}"'}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return self.send(206 if start else 200, content[start:], headers, drop=name in self.hub.broken)

    def json(self, value: object) -> None:
        self.send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def send(self, status: int, body: bytes, headers: dict[str, str] | None = None, drop: bool = False) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            # What was left out the first time never comes, however often it is asked for.
            self.wfile.write(body[: (0 if "Range" in self.headers else len(body) // 2)] if drop else body)


def _entry(path: str, content: bytes) -> dict[str, object]:
    entry: dict[str, object] = {
        "type": "file",
        "path": path,
        "size": len(content),
        "oid": hashlib.sha1(content).hexdigest(),
    }
    if path.endswith(".safetensors"):
        entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
    return entry
