"""How long `/healthz` takes, asked from a process of its own: in that of the visitors, their threads would count too.

`python -m benchmarks.pulse URL` prints the milliseconds of one answer a second, until it is ended; "-" for none.
"""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter, sleep

from composer.config import ROOT

EVERY = 1.0
PATIENCE = 30.0
"""Seconds."""


class Pulse:
    def __init__(self) -> None:
        self.milliseconds: list[float] = []
        """Filled when the block that `taken` made is left."""
        self.missing = 0


@contextmanager
def taken(address: str) -> Iterator[Pulse]:
    """While the block runs."""
    pulse, command = Pulse(), [sys.executable, "-m", "benchmarks.pulse", address]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield pulse
        finally:
            process.terminate()
            lines = process.communicate()[0].split()
    pulse.milliseconds = [float(line) for line in lines if line != "-"]
    pulse.missing = lines.count("-")


def milliseconds(address: str) -> float | None:
    """None where there is no answer of 200."""
    directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    start = perf_counter()
    try:
        with directly.open(f"{address}/healthz", timeout=PATIENCE) as answer:
            answer.read()
    except OSError:
        return None
    return (perf_counter() - start) * 1000


def main(address: str) -> None:
    while True:
        found = milliseconds(address)
        print("-" if found is None else round(found, 2), flush=True)
        sleep(EVERY)


if __name__ == "__main__":
    main(sys.argv[1])
