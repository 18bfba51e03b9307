"""The example index: from a question's vector to its nearest training examples, in order, and checked at opening."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection as CollectionOf
from contextlib import ExitStack
from pathlib import Path
from threading import Lock

import numpy as np

from composer.errors import SearchIndexError, SettingsError, shown
from composer.retrieval.chroma import Collection
from composer.retrieval.encoder import DIMENSION
from composer.retrieval.lock import FolderLock
from composer.retrieval.manifest import REMEDY, IndexManifest, check_files, read_manifest
from composer.routing.examples import ExampleVectors
from composer.routing.kernels import kernel_named
from composer.types import Neighbour

SPARE = 16
"""Asked for beyond top_k, so that equal distances at the edge are cut by row id and not by the graph's whim."""
CANARY_DISTANCE = 1e-3
CANARY_RANK = 10
DEEP_SAMPLE = 500
MOST_VECTORS = 2_000
"""Of a task, for what reads them all: 35 MB for 22 tasks. A mean or a classifier gains little from more."""


class SearchIndex:
    """Reads only. Holds its folder's lock until closed; safe to call from several threads."""

    def __init__(
        self,
        manifest: IndexManifest,
        collection: Collection,
        *,
        folder: Path | None = None,
        lock: FolderLock | None = None,
    ) -> None:
        """On disk with `folder` and its lock; else on a server."""
        self.folder = folder
        self.manifest = manifest
        self._collection = collection
        self._lock = lock
        self._open = True
        self._reading = Lock()
        self._vectors: ExampleVectors | None = None
        self._only: tuple[str, ...] | None = None

    def keep_only(self, tasks: CollectionOf[str]) -> None:
        """From now on, as if the index held no examples of other tasks. Raises SearchIndexError if it holds no more."""
        kept = tuple(sorted(set(self.manifest.counts) & set(tasks)))
        if not kept:
            raise SearchIndexError(
                f"the example index in {self.where} holds examples of {', '.join(sorted(self.manifest.counts))}, and "
                "none of these tasks is to be kept. Name another index."
            )
        self._only = kept

    @property
    def where(self) -> str:
        """Its folder, or its address."""
        return self._collection.where

    @classmethod
    def open(cls, folder: Path, encoder_sha256: str, source_sha256: str | None = None) -> SearchIndex:
        """Check everything, then open.

        Raises SearchIndexError where the index is missing, unfinished, damaged, in use by another process, made with
        another encoder, or (where `source_sha256` is given) made from other examples.
        """
        try:
            manifest = read_manifest(folder)
            check_origin(str(folder), manifest, encoder_sha256, source_sha256)
            lock = FolderLock.acquire(folder, exclusive=False)
            with ExitStack() as undo:
                undo.callback(lock.release)
                # Before Chroma sees a byte: a flipped one in its vector files can end the process.
                check_files(folder, manifest.files)
                collection = Collection(folder)
                undo.callback(collection.close)
                index = cls(manifest, collection, folder=folder, lock=lock)
                index.check()
                undo.pop_all()
                return index
        except OSError as error:
            raise SearchIndexError(
                f"the example index in {folder} cannot be read ({error}). Allow it, or set COMPOSER_CACHE."
            ) from error

    def search(
        self, vector: np.ndarray, top_k: int, kernel: str, without: CollectionOf[str] = ()
    ) -> tuple[Neighbour, ...]:
        """The top_k nearest examples, by distance and then row id. `vector` is (384,), of any length above 0.

        Examples of the tasks `without` are passed over, as if they were not in the index.
        """
        function = kernel_named(kernel)
        if top_k < 1:
            raise SettingsError(f"top-k is {shown(top_k)}; it must be at least 1.")
        passed_over = sum(self.manifest.counts.get(task, 0) for task in set(without))
        # Rounding puts an example's distance to itself a hair below 0, where a kernel would exceed 1.
        found = [
            (min(2.0, max(0.0, distance)), row, task, text)
            for row, distance, task, text in self._collection.nearest(
                _checked(vector), top_k + SPARE + passed_over, self._only
            )
            if task not in without
        ]
        nearest = sorted(found)[:top_k]
        return tuple(Neighbour(task, text, distance, function(distance), row) for distance, row, task, text in nearest)

    def vectors(self) -> ExampleVectors:
        """Of every task the first `MOST_VECTORS` examples by row id. Read the first time, then kept."""
        with self._reading:
            if self._vectors is None:
                rows: dict[str, list[str]] = {}
                for row, task in sorted(self._collection.tasks().items()):
                    if self._only is None or task in self._only:
                        rows.setdefault(task, []).append(row)
                found = {task: self._collection.vectors(ids[:MOST_VECTORS]) for task, ids in rows.items()}
                self._vectors = ExampleVectors(
                    {task: np.stack([kept[row] for row in sorted(kept)]) for task, kept in found.items()}
                )
            return self._vectors

    def check(self, deep: bool = False) -> None:
        """Count and canaries; deep: also all files' hashes, every task's count, and 500 rows that must find themselves.

        Raises SearchIndexError.
        """
        stored = self._collection.count()
        if stored != self.manifest.total:
            raise self._damaged(f"it holds {stored:,} examples and should hold {self.manifest.total:,}")
        for canary in self.manifest.canaries:
            self._check_canary(canary.row_id, canary.array)
        if deep:
            self._check_deep()

    def close(self) -> None:
        """Gives the folder back. A second call does nothing."""
        if self._open:
            self._open = False
            self._collection.close()
            if self._lock is not None:
                self._lock.release()

    def _check_deep(self) -> None:
        if self.folder is not None:
            check_files(self.folder, self.manifest.files)
        tasks = self._collection.tasks()
        counts = dict(Counter(tasks.values()))
        for task in sorted(set(counts) | set(self.manifest.counts)):
            if counts.get(task, 0) != self.manifest.counts.get(task, 0):
                expected = self.manifest.counts.get(task, 0)
                raise self._damaged(f"it holds {counts.get(task, 0):,} examples of {task} and should hold {expected:,}")
        sample = sorted(tasks)[:: math.ceil(len(tasks) / DEEP_SAMPLE)]
        for row, vector in sorted(self._collection.vectors(sample).items()):
            nearest = self._collection.nearest(vector, 1)
            if not nearest or nearest[0][1] > CANARY_DISTANCE:
                raise self._damaged(f"the example {row!r} does not find itself")

    def _check_canary(self, row_id: str, vector: np.ndarray) -> None:
        found = {row: distance for row, distance, _, _ in self._collection.nearest(vector, CANARY_RANK)}
        if found.get(row_id, 2.0) > CANARY_DISTANCE:
            raise self._damaged(f"its example {row_id!r} no longer finds itself")

    def _damaged(self, what: str) -> SearchIndexError:
        return SearchIndexError(f"the example index in {self.where} is damaged: {what}. {REMEDY}")


def check_origin(where: str, manifest: IndexManifest, encoder_sha256: str, source_sha256: str | None) -> None:
    """Raises SearchIndexError for another encoder, or other examples than expected."""
    if manifest.encoder_sha256 != encoder_sha256:
        raise SearchIndexError(
            f"the example index in {where} was made with another encoder (sha256 {manifest.encoder_sha256[:12]}…, "
            f"now {encoder_sha256[:12]}…). {REMEDY}"
        )
    if source_sha256 is not None and manifest.source_sha256 != source_sha256:
        raise SearchIndexError(
            f"the example index in {where} was made from other examples (sha256 {manifest.source_sha256[:12]}…, "
            f"now {source_sha256[:12]}…). {REMEDY}"
        )


def _checked(vector: np.ndarray) -> np.ndarray:
    """Chroma answers a NaN with some neighbours; a person should rather hear of it."""
    vector = np.asarray(vector, dtype=np.float32)
    if vector.shape != (DIMENSION,):
        raise SearchIndexError(
            f"the question's vector has shape {vector.shape}; ({DIMENSION},) is needed. Use the bank's encoder."
        )
    if not np.isfinite(vector).all() or not vector.any():
        raise SearchIndexError(
            "the question's vector is zero or holds a NaN. Reword the question, or reinstall the encoder."
        )
    return vector
