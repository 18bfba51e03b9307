"""The one place that talks to Chroma: how a collection is made, opened and queried, and its errors in our words."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from composer.errors import SearchIndexError
from composer.retrieval.lock import no_space
from composer.retrieval.manifest import CHROMA_FOLDER, REMEDY

COLLECTION = "examples"
HNSW: dict[str, int | str] = {"space": "cosine", "max_neighbors": 48, "ef_construction": 200, "ef_search": 800}
"""Recall@100 against exact search is 1.0 on 11,000 random vectors, the hardest case (0.975 at 32 neighbours, ef 400).
A query takes about 8 ms; building 11,000, about 8 s on one core."""

PAGE = 5_000
"""Rows in one answer where all are listed: one for all of 32,767 or more is too many variables for SQLite."""

# Chroma shares one system per path within a process, and counts its users without a lock where it creates one.
_clients_guard = threading.Lock()


def chroma_version() -> str:
    import chromadb

    return chromadb.__version__


class Collection:
    """A Chroma collection on disk. Vectors come in and go out; no embedding function is ever looked at or run."""

    def __init__(self, folder: Path, *, create_for: int | None = None) -> None:
        """`create_for` makes the collection where it is missing, for that many rows."""
        self.where = str(folder)
        self._connect(
            lambda: _client(folder / CHROMA_FOLDER),
            # With the threshold at the row count the vector files are written once, by the last row. A build that is
            # killed before leaves all rows in SQLite, which survives that; half-written vector files would not.
            None if create_for is None else {"configuration": {"hnsw": {**HNSW, "sync_threshold": max(2, create_for)}}},
        )

    def _connect(self, client: Callable[[], Any], create: dict[str, Any] | None, name: str = COLLECTION) -> None:
        """Open the collection; with `create`, make it with these arguments where it is missing."""
        with self._in_words(), _clients_guard:
            self._client = client()
            try:
                self._collection = (
                    self._client.get_collection(name, embedding_function=None)
                    if create is None
                    else self._client.get_or_create_collection(name, embedding_function=None, **create)
                )
            except BaseException:
                self._client.close()
                raise

    def close(self) -> None:
        with _clients_guard:
            self._client.close()

    @property
    def batch_limit(self) -> int:
        return self._client.get_max_batch_size()

    def count(self) -> int:
        with self._in_words():
            return self._collection.count()

    def upsert(
        self, ids: Sequence[str], vectors: np.ndarray, texts: Sequence[str], metadata: Sequence[dict[str, str]]
    ) -> None:
        # Not `add`: it ignores an id that is there already without a word.
        with self._in_words():
            self._collection.upsert(
                ids=list(ids),
                embeddings=vectors,
                documents=list(texts),
                metadatas=[dict(values) for values in metadata],
            )

    def tasks(self) -> dict[str, str]:
        """row id -> task, of every row."""
        found: dict[str, str] = {}
        while True:
            with self._in_words():
                page = self._collection.get(include=["metadatas"], limit=PAGE, offset=len(found))
            rows = {row: self._task(row, kept) for row, kept in zip(page["ids"], page["metadatas"] or (), strict=True)}
            if not rows:
                return found
            if rows.keys() <= found.keys():
                raise SearchIndexError(f"the rows in {self.where} change while they are read. Stop who writes there.")
            found.update(rows)

    def vectors(self, ids: Sequence[str]) -> dict[str, np.ndarray]:
        """row id -> the stored vector, of those ids that are stored."""
        with self._in_words():
            found = self._collection.get(ids=list(ids), include=["embeddings"])
        return dict(zip(found["ids"], np.asarray(found["embeddings"]), strict=True))

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """Chroma's errors as one sentence of ours, with theirs behind it."""
        from chromadb.errors import ChromaError

        try:
            yield
        # A client that cannot start says so with a bare ValueError or RuntimeError.
        except (ChromaError, ValueError, RuntimeError) as error:
            raise self._translated(str(error)) from error

    def _translated(self, message: str) -> SearchIndexError:
        lowered = message.lower()
        if "disk is full" in lowered or "no space left" in lowered or "os error 28" in lowered:
            return no_space(Path(self.where))
        if "readonly" in lowered or "read-only" in lowered or "permission denied" in lowered:
            return SearchIndexError(
                f"the example index cannot be opened: {self.where} is read-only. Set COMPOSER_CACHE to one that is not."
            )
        return SearchIndexError(f"the example index in {self.where} is damaged ({message.strip()[:120]}). {REMEDY}")

    def nearest(
        self, vector: np.ndarray, count: int, tasks: Sequence[str] | None = None
    ) -> list[tuple[str, float, str, str]]:
        """(row id, distance, task, text) in Chroma's order, of all tasks or of these."""
        of_tasks = {} if tasks is None else {"where": {"task": {"$in": list(tasks)}}}
        with self._in_words():
            found = self._collection.query(
                query_embeddings=[vector],
                n_results=count,
                include=["distances", "documents", "metadatas"],
                **of_tasks,
            )
        columns = (found[key][0] for key in ("ids", "distances", "metadatas", "documents"))
        return [
            (row, float(d), self._task(row, values), str(text)) for row, d, values, text in zip(*columns, strict=True)
        ]

    def _task(self, row: str, values: Mapping[str, object] | None) -> str:
        """A row that another program stored, or that lost its data, has none."""
        if not values or "task" not in values:
            raise SearchIndexError(f"the example index in {self.where} is damaged: {row!r} has no task. {REMEDY}")
        return str(values["task"])


def _client(path: Path) -> Any:  # noqa: ANN401 - declared as an interface that lacks `close`
    # Imported here: 0.7 s, and only an index needs it.
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(str(path), settings=Settings(anonymized_telemetry=False))
