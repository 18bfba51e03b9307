"""Rows with random vectors, and a short way to an index of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from composer.retrieval.build import IndexRows, build_index
from composer.retrieval.manifest import IndexManifest

ENCODER, SOURCE = "e" * 64, "5" * 64
TASKS = ("boolq", "cb", "piqa")
COUNT = 1_200


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def made_rows(count: int = COUNT, seed: int = 0) -> IndexRows:
    vectors = unit(np.random.default_rng(seed).normal(size=(count, 384))).astype(np.float16)
    names = [TASKS[i % len(TASKS)] for i in range(count)]
    return IndexRows([f"{names[i]}-{i:05d}" for i in range(count)], names, [f"text {i}" for i in range(count)], vectors)


ROWS = made_rows()
VECTORS = unit(ROWS.vectors.astype(np.float32))


def build(folder: Path, rows: IndexRows = ROWS, **options: object) -> IndexManifest:
    return build_index(folder, rows, encoder_sha256=ENCODER, source_sha256=SOURCE, **options)  # type: ignore[arg-type]
