"""Rows and their vectors to an index on disk: in batches, resumable after a kill, and counted only when it is whole."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from composer.errors import SearchIndexError
from composer.files import free_bytes, is_full
from composer.retrieval.chroma import HNSW, Collection, chroma_version
from composer.retrieval.encoder import DIMENSION
from composer.retrieval.index import SearchIndex
from composer.retrieval.lock import LOCK_FILE, FolderLock, cannot_write, no_space
from composer.retrieval.manifest import (
    CHROMA_FOLDER,
    MANIFEST_FILE,
    REMEDY,
    VERSION,
    Canary,
    IndexManifest,
    fingerprint,
    read_manifest,
    write_manifest,
)

PLAN_FILE = "building.json"
BATCH_SIZE = 500
"""Half a second each: progress moves, and a kill loses little."""
CANARIES = 32
SPARE_BYTES = 2_000_000
ROW_BYTES, TEXT_COPIES = 6_000, 4
"""Measured: while it is built, an index of 3,300 rows with 190 characters each takes 17.6 MB; this makes it 24."""

Progress = Callable[[int, int], None]
"""Called with (rows stored, rows in all)."""


@dataclass(frozen=True, eq=False)
class IndexRows:
    """Columns of equal length; `ids` are unique."""

    ids: Sequence[str]
    tasks: Sequence[str]
    texts: Sequence[str]
    """What was embedded, and what a person reads. Never with the gold answer."""
    vectors: np.ndarray
    """(n, 384), float16 or float32"""
    split: str = "train"

    def __post_init__(self) -> None:
        lengths = {len(self.ids), len(self.tasks), len(self.texts), len(self.vectors)}
        if len(lengths) != 1 or not self.ids:
            raise SearchIndexError(f"an index needs columns of one length above 0; these have {sorted(lengths)} rows.")
        if self.vectors.shape[1:] != (DIMENSION,):
            raise SearchIndexError(
                f"the examples' vectors have shape {self.vectors.shape}; (n, {DIMENSION}) is needed. Embed them anew."
            )
        if not np.isfinite(self.vectors).all() or not self.vectors.any(axis=1).all():
            raise SearchIndexError("one of the examples' vectors is zero or holds a NaN. Embed the examples anew.")
        repeated = [row for row, count in Counter(self.ids).items() if count > 1]
        if repeated:
            raise SearchIndexError(f"the row id {sorted(repeated)[0]!r} occurs twice. Row ids must be unique.")


def is_current(folder: Path, encoder_sha256: str, source_sha256: str) -> bool:
    """Whether a finished index of these examples and this encoder is there. Its files are checked when it is opened."""
    if not (folder / MANIFEST_FILE).exists():
        return False
    manifest = read_manifest(folder)
    return (manifest.encoder_sha256, manifest.source_sha256) == (encoder_sha256, source_sha256)


def build_index(
    folder: Path,
    rows: IndexRows,
    *,
    encoder_sha256: str,
    source_sha256: str,
    progress: Progress | None = None,
    force: bool = False,
) -> IndexManifest:
    """Build, or finish a build of the same rows that was cut short. A current index is left as it is, unless forced.

    Raises SearchIndexError where the folder cannot be written, is in use, or the result does not hold what it should.
    """
    try:
        check_place(folder)
        folder.mkdir(parents=True, exist_ok=True)
        lock = FolderLock.acquire(folder, exclusive=True)
        try:
            if not force and is_current(folder, encoder_sha256, source_sha256):
                return read_manifest(folder)
            _check_space(folder, rows)
            _prepare(folder, plan_of(encoder_sha256, source_sha256), force)
            with _clearing_a_full_disk(folder, rows):
                manifest = _fill(folder, rows, encoder_sha256, source_sha256, progress or _silent)
            lock.share()
            _verify(folder, manifest)
            return manifest
        finally:
            lock.release()
    except OSError as error:
        raise cannot_write(folder, error) from error


def check_place(folder: Path) -> None:
    """Raises SearchIndexError for a folder of other things: a build would clear a `chroma` that it finds there."""
    ours = (LOCK_FILE, MANIFEST_FILE, PLAN_FILE)
    if folder.is_dir() and any(folder.iterdir()) and not any((folder / name).exists() for name in ours):
        raise SearchIndexError(
            f"the folder {folder} is not empty and holds no example index. Name a new one, so that nothing is lost."
        )


def needed_bytes(rows: IndexRows) -> int:
    """Of disk, at most: a vector stands in Chroma's log and in its graph, a text in a table and in its search tree."""
    return SPARE_BYTES + sum(ROW_BYTES + TEXT_COPIES * len(text.encode("utf-8", "replace")) for text in rows.texts)


def _check_space(folder: Path, rows: IndexRows) -> None:
    """Chroma calls a full disk by many names, so it is looked for beforehand."""
    # what is there is used again, or cleared
    there = sum(path.stat().st_size for path in (folder / CHROMA_FOLDER).rglob("*") if path.is_file())
    needed = needed_bytes(rows)
    if free_bytes(folder) + there < needed:
        raise no_space(folder, needed - there)


@contextmanager
def _clearing_a_full_disk(folder: Path, rows: IndexRows) -> Iterator[None]:
    """Where others fill the disk meanwhile: no half an index keeps it full, and none is called damaged."""
    try:
        yield
    except (SearchIndexError, OSError) as error:
        if not (is_full(error) or "no space is left" in str(error) or free_bytes(folder) < SPARE_BYTES):
            raise
        full = no_space(folder, needed_bytes(rows))
        (folder / PLAN_FILE).unlink(missing_ok=True)
        shutil.rmtree(folder / CHROMA_FOLDER, ignore_errors=True)
        raise full from error


def _silent(done: int, total: int) -> None:
    return None


def plan_of(encoder_sha256: str, source_sha256: str) -> dict[str, object]:
    """What an interrupted build must share with the one that goes on with it."""
    return {
        "version": VERSION,
        "chroma": chroma_version(),
        "hnsw": HNSW,
        "encoder_sha256": encoder_sha256,
        "source_sha256": source_sha256,
    }


def _prepare(folder: Path, plan: dict[str, object], force: bool) -> None:
    """Keep what an interrupted build of the same plan has stored; clear anything else."""
    # From here on the index does not count as built, whatever happens.
    (folder / MANIFEST_FILE).unlink(missing_ok=True)
    wanted = json.dumps(plan, sort_keys=True)
    path = folder / PLAN_FILE
    if force or not path.is_file() or path.read_text(encoding="utf-8", errors="replace") != wanted:
        path.unlink(missing_ok=True)
        if (folder / CHROMA_FOLDER).exists():
            shutil.rmtree(folder / CHROMA_FOLDER)
        path.write_text(wanted, encoding="utf-8")


def _fill(folder: Path, rows: IndexRows, encoder_sha256: str, source_sha256: str, progress: Progress) -> IndexManifest:
    collection = _opened(folder, rows)
    try:
        counts = store_rows(collection, rows, progress)
    finally:
        collection.close()
    # Hashed after Chroma has let go of its files, and before anyone opens them again.
    manifest = IndexManifest(
        VERSION, chroma_version(), encoder_sha256, source_sha256, HNSW, counts, fingerprint(folder), canaries_of(rows)
    )
    write_manifest(folder, manifest)
    (folder / PLAN_FILE).unlink(missing_ok=True)
    return manifest


def _opened(folder: Path, rows: IndexRows) -> Collection:
    collection = Collection(folder, create_for=len(rows.ids))
    if collection.count() < len(rows.ids):
        return collection
    # All rows and no manifest: the kill fell into the moment in which the vector files were written. They may be cut
    # short, which Chroma would not notice, so this build starts over.
    collection.close()
    shutil.rmtree(folder / CHROMA_FOLDER)
    return Collection(folder, create_for=len(rows.ids))


def store_rows(collection: Collection, rows: IndexRows, progress: Progress) -> dict[str, int]:
    """Store what is missing, and count what is there then: rows per task. Raises SearchIndexError where rows lack."""
    stored = collection.tasks()
    missing = [i for i, row in enumerate(rows.ids) if row not in stored]
    size = min(BATCH_SIZE, collection.batch_limit)
    progress(len(rows.ids) - len(missing), len(rows.ids))
    for start in range(0, len(missing), size):
        batch = missing[start : start + size]
        collection.upsert(
            [rows.ids[i] for i in batch],
            np.asarray(rows.vectors[batch], dtype=np.float32),
            [rows.texts[i] for i in batch],
            [{"task": rows.tasks[i], "split": rows.split} for i in batch],
        )
        progress(len(rows.ids) - len(missing) + start + len(batch), len(rows.ids))
    counts = dict(sorted(Counter(collection.tasks().values()).items()))
    if counts != dict(sorted(Counter(rows.tasks).items())):
        raise SearchIndexError(
            f"the index in {collection.where} holds {sum(counts.values()):,} of {len(rows.ids):,} rows. {REMEDY}"
        )
    return counts


def canaries_of(rows: IndexRows, most: int = CANARIES) -> tuple[Canary, ...]:
    """Rows spread evenly over the index, of vectors that no other row has: a twin could answer in a canary's place."""
    # One hash a row: sorting the vectors themselves would hold them three times over.
    hashes = [hash(np.ascontiguousarray(vector).tobytes()) for vector in rows.vectors]
    counts = Counter(hashes)
    unique = [i for i, found in enumerate(hashes) if counts[found] == 1]
    places = np.linspace(0, len(unique) - 1, min(most, len(unique))).astype(int)
    return tuple(Canary.of(rows.ids[unique[place]], rows.vectors[unique[place]]) for place in places)


def _verify(folder: Path, manifest: IndexManifest) -> None:
    """Open it as a reader will: what cannot be opened and found again must not be left behind as built."""
    try:
        SearchIndex.open(folder, manifest.encoder_sha256, manifest.source_sha256).close()
    except SearchIndexError:
        (folder / MANIFEST_FILE).unlink(missing_ok=True)
        raise
