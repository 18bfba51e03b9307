"""Vectors of many texts, kept on disk as they are made: a kill loses one batch, and the next run goes on behind it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from composer.heap import give_back_free_memory
from composer.retrieval.encoder import DIMENSION

VECTORS_FILE = "vectors.f32"
PLAN_FILE = "embedding.json"
BATCH_SIZE = 256
"""A few seconds each on two cores. The encoder sorts a batch by length, so a small one wastes time on padding."""
ROW_BYTES = 4 * DIMENSION

Progress = Callable[[int, int], None]


class TextEncoder(Protocol):
    """What embedding asks of an encoder."""

    sha256: str

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """(n, 384), rows of length 1"""
        ...


def embed_texts(
    folder: Path, texts: Sequence[str], encoder: TextEncoder, *, source_sha256: str, progress: Progress
) -> np.ndarray:
    """(n, 384) float32, mapped from a file in `folder`. One process at a time: the caller holds the folder's lock.

    What an earlier run of the same texts and encoder has left there is kept, whole rows only. Raises OSError.
    """
    path = folder / VECTORS_FILE
    _prepare(folder, {"encoder": encoder.sha256, "source": source_sha256, "rows": len(texts)})
    with path.open("ab") as file:
        done = min(file.tell() // ROW_BYTES, len(texts))
        file.truncate(done * ROW_BYTES)
        progress(done, len(texts))
        for start in range(done, len(texts), BATCH_SIZE):
            batch = texts[start : start + BATCH_SIZE]
            file.write(np.ascontiguousarray(encoder.encode(batch), dtype="<f4").tobytes())
            file.flush()
            # So that a row that counts is there even where the machine stops and not only this process.
            os.fsync(file.fileno())
            give_back_free_memory()  # texts of ever new lengths leave holes that nothing else fits into
            progress(start + len(batch), len(texts))
    return np.memmap(path, dtype="<f4", mode="r", shape=(len(texts), DIMENSION))


def forget_vectors(folder: Path) -> None:
    """The index holds them now, or they are to be made anew."""
    # The plan last: vectors without a plan are never taken for anyone's.
    for name in (VECTORS_FILE, PLAN_FILE):
        (folder / name).unlink(missing_ok=True)


def _prepare(folder: Path, plan: dict[str, object]) -> None:
    """Vectors of other texts, or of another encoder, go before the new plan comes."""
    wanted, path = json.dumps(plan, sort_keys=True), folder / PLAN_FILE
    if path.is_file() and path.read_text(encoding="utf-8", errors="replace") == wanted:
        return
    forget_vectors(folder)
    temporary = folder / (PLAN_FILE + ".tmp")
    temporary.write_text(wanted, encoding="utf-8")
    temporary.replace(path)
