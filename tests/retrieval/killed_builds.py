"""Builds an index in child processes that are killed at random moments, until enough were; then once to its end.

Run as a program of its own, so that nothing runs beside the forks. Prints one JSON line.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[2])]

# Before the forks: each child would spend a second on it.
import chromadb  # noqa: E402, F401
from hash_encoder import HashEncoder  # noqa: E402

from composer.retrieval import build, embedding, source_index  # noqa: E402

ROWS = 400
KILLS = 36
TASKS = ("boolq", "cb", "piqa")


class Unhurried(HashEncoder):
    """As slow beside Chroma as a real one, on a small scale: else hardly a kill would meet it."""

    def encode(self, texts):
        time.sleep(0.02)
        return super().encode(texts)


def rows() -> source_index.TextRows:
    names = tuple(TASKS[number % len(TASKS)] for number in range(ROWS))
    ids = tuple(f"{name}-train-{number}" for number, name in enumerate(names))
    return source_index.TextRows(ids, names, tuple(f"text {number}" for number in range(ROWS)))


def build_in_child(folder: Path, after: float | None) -> bool:
    """Whether it was killed, `after` so many seconds. Leaves with the child's failure, if it had one."""
    child = os.fork()
    if child == 0:
        try:
            encoder = Unhurried()
            source_index.build_from_rows(folder, rows(), encoder, embedding=quiet, storing=quiet)
            os._exit(0)
        except BaseException as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            sys.stderr.flush()
            os._exit(1)
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    if os.WEXITSTATUS(status):
        sys.exit(f"a build that followed {after} failed")
    return False


def quiet(done: int, total: int) -> None:
    return None


def moment(folder: Path) -> str:
    """How far the build had come when it was killed."""
    if (folder / "manifest.json").exists():
        return "built"
    if (folder / "chroma").exists():
        return "storing"
    return "embedding" if (folder / "vectors.f32").exists() else "nothing"


def main(folder: Path) -> None:
    embedding.BATCH_SIZE, build.BATCH_SIZE = 20, 50
    started = time.monotonic()
    build_in_child(folder, None)
    whole = time.monotonic() - started
    draw, moments, finished = random.Random(7), Counter[str](), 0
    shutil.rmtree(folder)
    while sum(moments.values()) < KILLS:
        if build_in_child(folder, draw.uniform(0, whole)):
            moments[moment(folder)] += 1
        if (folder / "manifest.json").exists():
            # It got through in spite of the kills: the next ones meet a new one.
            finished += 1
            shutil.rmtree(folder)
    build_in_child(folder, None)
    print(json.dumps({"moments": moments, "finished": finished}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
