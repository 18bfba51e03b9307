"""A Hub on loopback: the routes that huggingface_hub calls for a Space, with faults on demand.

It keeps what it was told, so that a test can compare what is there at the end.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from huggingface_hub.utils.sha import git_hash

TOKEN = "hf_fake_token_that_may_write"
LARGE = 2_000
"""Bytes from which this Hub keeps a file apart from the others; the true one begins at 10 MB."""


@dataclass
class FakeSpace:
    hardware: str | None
    sleep_time: int | None = None
    private: bool = False
    files: dict[str, bytes] = field(default_factory=dict)
    large: set[str] = field(default_factory=set)
    variables: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)
    stage: str = "NO_APP_FILE"
    coming: list[str] = field(default_factory=list)
    """Stages that the next looks at the Space will see, one each."""
    restarts: list[str] = field(default_factory=list)
    built: str | None = None


@dataclass
class Fault:
    """What happens to the next requests of a kind. `how`: an HTTP status, `before` (the connection is cut, nothing is
    done), `inside` (cut in the middle of the body), or `after` (done, and the answer is lost)."""

    request: str
    """A regular expression that "METHOD path" must match."""
    how: int | str
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class FakeHub:
    account: str = "ada"
    spaces: dict[str, FakeSpace] = field(default_factory=dict)
    store: dict[str, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    builds: list[list[str]] = field(default_factory=list)
    """Stages after each commit or restart, one list for each; then all goes well."""
    log: list[str] = field(default_factory=lambda: ["Collecting torch==2.11.0", "ERROR: no matching distribution"])
    url: str = ""

    def writes(self) -> list[str]:
        """Requests that change something; asking which files would be large does not."""
        harmless = re.compile(r"GET|POST \S*(/preupload/|/validate-yaml)")
        return [one for one in self.requests if not harmless.match(one)]

    def rebuild(self, space: FakeSpace) -> None:
        space.coming = self.builds.pop(0) if self.builds else ["BUILDING", "APP_STARTING", "RUNNING"]


@contextmanager
def serving(hub: FakeHub) -> Iterator[FakeHub]:
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Refused(Exception):
    def __init__(self, status: int, message: str, **answer: object) -> None:
        self.status, self.message, self.answer = status, message, answer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def log_message(self, *_: object) -> None:
        pass

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, ValueError):
            pass  # this side cut it

    def _serve(self) -> None:
        path = urlsplit(self.path).path
        line = f"{self.command} {path}"
        fault = self._fault(line)
        if fault and fault.how in ("before", "inside"):
            if fault.how == "inside":
                self.rfile.read(int(self.headers.get("Content-Length", 0)) // 2)
            return self._cut()
        body = self._body()
        if fault and isinstance(fault.how, int):
            return self._answer(fault.how, {"error": f"fault {fault.how}"}, fault.headers)
        self.hub.requests.append(line)
        try:
            status, answer = 200, self._route(path, body)
        except Refused as refused:
            status, answer = refused.status, {"error": refused.message, **refused.answer}
        if fault:
            return self._cut()
        return self._answer(status, answer)

    do_GET = do_POST = do_PUT = do_DELETE = _serve

    def _fault(self, line: str) -> Fault | None:
        for fault in self.hub.faults:
            if fault.times > 0 and re.search(fault.request, line):
                fault.times -= 1
                return fault
        return None

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, status: int, answer: object, headers: dict[str, str] | None = None) -> None:
        kind = "text/event-stream" if isinstance(answer, bytes) else "application/json"
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        if isinstance(answer, dict) and status == 404:
            self.send_header("X-Error-Code", "RepoNotFound")
        self.end_headers()
        self.wfile.write(data)

    def _route(self, path: str, body: bytes) -> object:
        if self.command == "PUT":
            if hashlib.sha256(body).hexdigest() != path.rpartition("/")[2]:
                raise Refused(400, "the content is not what its name says")
            self.hub.store[path.rpartition("/")[2]] = body
            return {}
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise Refused(401, "Invalid credentials in Authorization header")
        for pattern, answer in _ROUTES.items():
            if found := re.fullmatch(pattern, f"{self.command} {path}"):
                return answer(self.hub, body, **found.groupdict())
        raise Refused(404, f"no route for {self.command} {path}")


def _space(hub: FakeHub, name: str) -> FakeSpace:
    if name not in hub.spaces:
        raise Refused(404, "Repository not found")
    return hub.spaces[name]


def _whoami(hub: FakeHub, body: bytes) -> object:
    return {"type": "user", "name": hub.account, "orgs": []}


def _create(hub: FakeHub, body: bytes) -> object:
    asked = json.loads(body)
    name = f"{asked.get('organization') or hub.account}/{asked['name']}"
    url = f"{hub.url}/spaces/{name}"
    if name in hub.spaces:
        raise Refused(409, "You already created this space repo", url=url)
    assert asked["type"] == "space" and asked["sdk"] == "gradio"
    hub.spaces[name] = FakeSpace(asked["hardware"], asked.get("sleepTimeSeconds"), asked.get("visibility") == "private")
    hub.spaces[name].files = {".gitattributes": b"*.bin filter=lfs\n", "README.md": b"---\nsdk: gradio\n---\n"}
    return {"url": url, "name": name}


def _info(hub: FakeHub, body: bytes, name: str) -> object:
    commits = _space(hub, name).commits
    return {"id": name, "sha": commits[-1] if commits else "0" * 40, "siblings": [], "tags": []}


def _tree(hub: FakeHub, body: bytes, name: str) -> object:
    space, entries = _space(hub, name), []
    for path, content in space.files.items():
        entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": git_hash(content)}
        if path in space.large:
            oid = hashlib.sha256(content).hexdigest()
            entry |= {"oid": "1" * 40, "lfs": {"oid": oid, "size": len(content), "pointerSize": 130}}
        entries.append(entry)
    return [{"type": "directory", "path": "assets", "oid": "2" * 40, "size": 0}, *entries]


def _validate(hub: FakeHub, body: bytes) -> object:
    asked = json.loads(body)
    assert asked["repoType"] == "space"
    if not asked["content"].startswith("---\n"):
        raise Refused(400, "no front matter", errors=[{"message": "no front matter"}], warnings=[])
    return {"errors": [], "warnings": []}


def _preupload(hub: FakeHub, body: bytes, name: str) -> object:
    space, answers = _space(hub, name), []
    for asked in json.loads(body)["files"]:
        mode = "lfs" if asked["size"] > LARGE else "regular"
        held = space.files.get(asked["path"])
        oid = None if held is None else hashlib.sha256(held).hexdigest() if mode == "lfs" else git_hash(held)
        answers.append({"path": asked["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
    return {"files": answers}


def _batch(hub: FakeHub, body: bytes, name: str) -> object:
    objects = []
    for asked in json.loads(body)["objects"]:
        answer = {"oid": asked["oid"], "size": asked["size"]}
        if asked["oid"] not in hub.store:
            upload, verify = f"{hub.url}/store/{asked['oid']}", f"{hub.url}/store/verify"
            answer["actions"] = {"upload": {"href": upload}, "verify": {"href": verify}}
        objects.append(answer)
    return {"transfer": "basic", "objects": objects}


def _verify(hub: FakeHub, body: bytes) -> object:
    asked = json.loads(body)
    if len(hub.store.get(asked["oid"], b"")) != asked["size"]:
        raise Refused(400, "the object is not whole")
    return {}


def _commit(hub: FakeHub, body: bytes, name: str) -> object:
    """All of it or nothing, as on the true Hub."""
    space = _space(hub, name)
    files, large = dict(space.files), set(space.large)
    lines = [json.loads(line) for line in body.splitlines()]
    assert lines[0]["key"] == "header"
    for line in lines[1:]:
        value = line["value"]
        if line["key"] == "deletedFile":
            del files[value["path"]]
            large.discard(value["path"])
        elif line["key"] == "file":
            files[value["path"]] = base64.b64decode(value["content"])
            large.discard(value["path"])
        elif value["oid"] in hub.store:
            files[value["path"]] = hub.store[value["oid"]]
            large.add(value["path"])
        else:
            raise Refused(400, f"the content of {value['path']} was never uploaded")
    space.files, space.large = files, large
    oid = f"{len(space.commits) + 1:040x}"
    space.commits.append(oid)
    hub.rebuild(space)
    return {"commitUrl": f"{hub.url}/spaces/{name}/commit/{oid}", "commitOid": oid}


def _runtime(hub: FakeHub, body: bytes, name: str) -> dict[str, Any]:
    """The first look after a commit still shows the stage before it, with the commit before it."""
    space = _space(hub, name)
    seen = {"stage": space.stage, "sha": space.built}
    if space.coming:
        space.stage = space.coming.pop(0)
        space.built = space.commits[-1] if space.commits else None
    hardware = {"current": space.hardware, "requested": space.hardware}
    return {**seen, "hardware": hardware, "gcTimeout": space.sleep_time}


def _restart(hub: FakeHub, body: bytes, name: str) -> object:
    space = _space(hub, name)
    space.restarts.append(space.stage)
    hub.rebuild(space)
    return _runtime(hub, body, name)


def _hardware(hub: FakeHub, body: bytes, name: str) -> object:
    asked = json.loads(body)
    space = _space(hub, name)
    space.hardware, space.sleep_time = asked["flavor"], asked.get("sleepTimeSeconds", space.sleep_time)
    return _runtime(hub, body, name)


def _sleep_time(hub: FakeHub, body: bytes, name: str) -> object:
    _space(hub, name).sleep_time = json.loads(body)["seconds"]
    return _runtime(hub, body, name)


def _variables(hub: FakeHub, body: bytes, name: str) -> object:
    return {key: {"value": value} for key, value in _space(hub, name).variables.items()}


def _set_variable(hub: FakeHub, body: bytes, name: str) -> object:
    asked = json.loads(body)
    _space(hub, name).variables[asked["key"]] = asked["value"]
    return _variables(hub, body, name)


def _delete_variable(hub: FakeHub, body: bytes, name: str) -> object:
    del _space(hub, name).variables[json.loads(body)["key"]]
    return _variables(hub, body, name)


def _secrets(hub: FakeHub, body: bytes, name: str) -> object:
    return {key: {} for key in _space(hub, name).secrets}


def _set_secret(hub: FakeHub, body: bytes, name: str) -> object:
    asked = json.loads(body)
    _space(hub, name).secrets[asked["key"]] = asked["value"]
    return {}


def _log(hub: FakeHub, body: bytes, name: str) -> bytes:
    _space(hub, name)
    events = [{"data": f"{line}\n", "timestamp": "2026-01-01T00:00:00.000Z"} for line in hub.log]
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + b"data:\n\n"


_NAME = r"(?P<name>[\w.-]+/[\w.-]+)"
_API = rf"/api/spaces/{_NAME}"
_ROUTES: dict[str, Callable[..., object]] = {
    r"GET /api/whoami-v2": _whoami,
    r"POST /api/repos/create": _create,
    rf"GET {_API}": _info,
    rf"GET {_API}/tree/main": _tree,
    r"POST /api/validate-yaml": _validate,
    rf"POST {_API}/preupload/main": _preupload,
    rf"POST /spaces/{_NAME}.git/info/lfs/objects/batch": _batch,
    r"POST /store/verify": _verify,
    rf"POST {_API}/commit/main": _commit,
    rf"GET {_API}/runtime": _runtime,
    rf"POST {_API}/restart": _restart,
    rf"POST {_API}/hardware": _hardware,
    rf"POST {_API}/sleeptime": _sleep_time,
    rf"GET {_API}/variables": _variables,
    rf"POST {_API}/variables": _set_variable,
    rf"DELETE {_API}/variables": _delete_variable,
    rf"GET {_API}/secrets": _secrets,
    rf"POST {_API}/secrets": _set_secret,
    rf"GET {_API}/logs/(?:build|run)": _log,
}
