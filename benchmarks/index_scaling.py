"""Building and searching an index of 10 k to 1 M vectors, and how much of the exact answer a search finds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from benchmarks.plan import Plan
from benchmarks.questions import own_examples
from composer.bank.manifest import load_bank
from composer.retrieval.build import IndexRows, build_index
from composer.retrieval.index import SearchIndex

SIZES = (10_000, 44_000, 200_000)
FULL = 1_000_000
QUERIES, TOP_K = 200, 100
NOISE = 0.35
"""Length of the noise on a vector of length 1: far enough from its example that copies of one differ."""
ENCODER, SOURCE = "e" * 64, "5" * 64


def measure(plan: Plan) -> dict[str, object]:
    sizes = (2_000,) if plan.quick else (*SIZES, *([FULL] if plan.full else []))
    parents = own_examples(load_bank(plan.bank)).vectors
    assert parents is not None
    return {str(size): scaled(size, parents, plan) for size in sizes}


def scaled(size: int, parents: np.ndarray, plan: Plan) -> dict[str, float]:
    """`parents`: (n, dimension) vectors of sentences."""
    generator = np.random.default_rng(size)
    vectors, queries = (sentence_like(count, parents, generator) for count in (size, QUERIES))
    rows = IndexRows([f"row-{i}" for i in range(size)], ["task"] * size, [f"text {i}" for i in range(size)], vectors)
    with TemporaryDirectory(prefix="composer-index-") as folder:
        started = perf_counter()
        progress = plan.progress(f"index_scaling, {size:,} vectors")
        build_index(Path(folder), rows, encoder_sha256=ENCODER, source_sha256=SOURCE, progress=progress)
        build_s = perf_counter() - started
        started = perf_counter()
        index = SearchIndex.open(Path(folder), ENCODER, SOURCE)
        open_s = perf_counter() - started
        try:
            milliseconds, found = _searched(index, queries)
        finally:
            index.close()
        megabytes = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()) / 1e6
    return {
        "rows_per_s": round(size / build_s, 1),
        "build_s": round(build_s, 2),
        "open_s": round(open_s, 2),
        "p50_ms": round(statistics.median(milliseconds), 3),
        "recall_at_100": round(recall(found, exact(vectors, queries)), 4),
        "megabytes": round(megabytes, 1),
    }


def sentence_like(count: int, stored: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Unit vectors that lie as sentences do: points between two sentences' own, with noise."""
    parents = stored[generator.integers(len(stored), size=(2, count))].astype(np.float32)
    share = generator.random((count, 1), dtype=np.float32) / 2
    noise = generator.standard_normal((count, stored.shape[1]), dtype=np.float32)
    vectors = (1 - share) * parents[0] + share * parents[1]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors += NOISE * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def exact(vectors: np.ndarray, queries: np.ndarray) -> list[set[str]]:
    """The ids of the nearest rows by a full product."""
    nearest = [np.argpartition(-(vectors @ query), TOP_K - 1)[:TOP_K] for query in queries]
    return [{f"row-{i}" for i in rows} for rows in nearest]


def recall(found: Sequence[set[str]], wanted: Sequence[set[str]]) -> float:
    return statistics.mean(len(mine & true) / len(true) for mine, true in zip(found, wanted, strict=True))


def _searched(index: SearchIndex, queries: np.ndarray) -> tuple[list[float], list[set[str]]]:
    index.search(queries[0], TOP_K, "inverse")
    milliseconds, found = [], []
    for query in queries:
        started = perf_counter()
        neighbours = index.search(query, TOP_K, "inverse")
        milliseconds.append((perf_counter() - started) * 1000)
        found.append({neighbour.row_id for neighbour in neighbours})
    return milliseconds, found
