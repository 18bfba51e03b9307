"""Starts the app as a Space would and visits it, in a process of its own: `python space_like.py CODE SCRATCH`.

CODE is a copy of the project that nobody may write to, SCRATCH takes what the app leaves behind. Whatever can be had is
used: another user, a network that holds nothing but loopback. Prints one line of JSON: what was met.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import httpx
from gradio_client import Client

from benchmarks.visitor import Visitor

NOBODY = 65_534
START_SECONDS = 1_500
QUESTION, OPTIONS = "Where would you go to buy a lantern?", ("a bakery", "a camping store")
UP = 0x1 | 0x40
"""IFF_UP and IFF_RUNNING"""


def as_nobody() -> list[str]:
    """Root may write anywhere; this user may read what root may (the interpreter, say) and write nowhere."""
    if os.getuid() != 0:
        return []
    reading = "+dac_read_search"
    user = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    return ["setpriv", *user, "--inh-caps", reading, "--ambient-caps", reading, "--"]


def alone() -> bool:
    """Whether this process has a network of its own; its loopback is switched on."""
    if {name for _, name in socket.if_nameindex()} != {"lo"}:
        return False
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14s", b"lo", UP, b""))
    return True


def environment(port: int, scratch: Path, stand_in: Path) -> dict[str, str]:
    """Nothing of ours but what a Space sets. HOME is not there."""
    nowhere = "http://127.0.0.1:9"
    return {
        "PATH": os.environ["PATH"],
        "TMPDIR": str(scratch),
        "PYTHONPATH": str(stand_in),
        "FAKE_SPACES_LOG": str(scratch / "gpu"),
        "COMPOSER_BANK": "tiny",
        "SYSTEM": "spaces",
        "SPACE_ID": "someone/adapter-composer",
        "SPACES_ZERO_GPU": "true",
        "GRADIO_SERVER_PORT": str(port),
        "HTTP_PROXY": nowhere,
        "HTTPS_PROXY": nowhere,
        "NO_PROXY": "127.0.0.1,localhost",
    }


def wait(address: str, process: subprocess.Popen) -> list[list]:
    """[status, state] of every answer until the app is ready."""
    met: list[list] = []
    give_up = monotonic() + START_SECONDS
    while monotonic() < give_up and process.poll() is None:
        sleep(0.2)
        try:
            answer = httpx.get(f"{address}/healthz", timeout=30, trust_env=False)
        except httpx.HTTPError:
            continue
        if not met or met[-1][0] != answer.status_code:
            met.append([answer.status_code, answer.json()["status"]])
        if answer.status_code == 200:
            return met
    raise SystemExit("the app never became ready")


def visit(address: str) -> dict:
    compared = Client(address, verbose=False).predict(QUESTION, list(OPTIONS), api_name="/compare")
    visitor = Visitor(address)
    visitor.compare(QUESTION, OPTIONS)
    visitor.close()
    page = httpx.get(address, trust_env=False).text
    return {
        "chosen": {method: answer["chosen"] for method, answer in compared["predictions"].items()},
        "health": httpx.get(f"{address}/healthz", trust_env=False).json(),
        "links_to_the_space": "https://huggingface.co/spaces/someone/adapter-composer" in page,
        "upload": httpx.post(f"{address}/gradio_api/upload", files={"files": b"a"}, trust_env=False).status_code,
    }


def main(code: Path, scratch: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    stand_in = Path(__file__).parent / "fake_spaces"
    met: dict = {"alone": alone()}
    with (scratch / "log").open("w") as log:
        process = subprocess.Popen(
            [*as_nobody(), sys.executable, "app.py"],
            cwd=code,
            env=environment(port, scratch, stand_in),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            met |= {"health_met": wait(address, process), "user": Path(f"/proc/{process.pid}").stat().st_uid}
            met |= visit(address)
        finally:
            process.terminate()
            process.wait(60)
    print(json.dumps(met))


if __name__ == "__main__":
    if os.getuid() == 0 and not shutil.which("setpriv"):
        raise SystemExit("setpriv is missing")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
