"""The app as a process of its own, watched from outside."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import httpx

from composer.bank.manifest import Bank
from composer.config import ROOT
from composer.errors import ComposerError

START_SECONDS = 1_800
"""A busy machine imports and builds the index for minutes."""


@dataclass(frozen=True)
class Server:
    address: str
    pid: int

    def resident_mib(self) -> float:
        for line in Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise ComposerError(f"the process {self.pid} has no memory to read. It has ended.")


@contextmanager
def started(log: Path, bank: Bank) -> Iterator[Server]:
    """With the bank, on a free port of loopback. Raises ComposerError where the app ends or never becomes ready."""
    port = _free_port()
    place = {"GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": str(port)}
    environment = {**os.environ, **place, "COMPOSER_BANK": str(bank.folder)}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            server = Server(f"http://127.0.0.1:{port}", process.pid)
            _wait(server, process, log)
            yield server
        finally:
            process.terminate()
            process.wait(timeout=60)


def _wait(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up = monotonic() + START_SECONDS
    with httpx.Client(base_url=server.address, timeout=10) as client:
        while monotonic() < give_up:
            if process.poll() is not None:
                raise ComposerError(f"the app ended with status {process.returncode}. Its log is {log}.")
            try:
                if client.get("/healthz").status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            sleep(1)
    raise ComposerError(f"the app was not ready after {START_SECONDS} s. Its log is {log}.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
