"""What an index must be: counts, encoder, source, files and canaries. Written last, checked before Chroma opens a file.

Chroma answers from a truncated file without a word and crashes the process on flipped bytes. Its vector files never
change once written; its SQLite file does at every opening (a row in `acquire_write`), so there the rows are hashed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from composer.errors import SearchIndexError

MANIFEST_FILE = "manifest.json"
CHROMA_FOLDER = "chroma"
SQLITE_FILE = "chroma.sqlite3"
VERSION = 1
REMEDY = "Build it as before, with `python -m composer index build --force`."

# All that an answer can depend on. `acquire_write` is left out: it grows by a row at every opening.
_HASHED_TABLES = (
    "collections",
    "collection_metadata",
    "segments",
    "segment_metadata",
    "embeddings",
    "embedding_metadata",
    "embeddings_queue",
    "max_seq_id",
)


@dataclass(frozen=True)
class Canary:
    """A stored row whose own vector must find it again at distance 0."""

    row_id: str
    vector: str
    """float32, little-endian, base64"""

    @classmethod
    def of(cls, row_id: str, vector: np.ndarray) -> Canary:
        return cls(row_id, base64.b64encode(np.asarray(vector, dtype="<f4").tobytes()).decode())

    @property
    def array(self) -> np.ndarray:
        return np.frombuffer(base64.b64decode(self.vector), dtype="<f4")


@dataclass(frozen=True)
class IndexManifest:
    """Frozen, as the JSON beside the index says it."""

    version: int
    chroma: str
    encoder_sha256: str
    source_sha256: str
    """Of the examples that the index was made from."""
    hnsw: dict[str, int | str]
    counts: dict[str, int]
    """Rows per task, by name."""
    files: dict[str, str]
    """sha256 of every file of Chroma's folder, by relative path; for its SQLite file of the rows in it."""
    canaries: tuple[Canary, ...]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def write_manifest(folder: Path, manifest: IndexManifest) -> None:
    """Atomic: a manifest is there whole or not at all, and with it the index counts as built."""
    temporary = folder / (MANIFEST_FILE + ".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(manifest_text(manifest))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / MANIFEST_FILE)


def manifest_text(manifest: IndexManifest) -> str:
    return json.dumps(asdict(manifest), indent=1)


def read_manifest(folder: Path) -> IndexManifest:
    """Raises SearchIndexError where it is missing or not a manifest of this version."""
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise SearchIndexError(
            f"there is no finished example index in {folder}. Build it with `python -m composer index build`."
        )
    try:
        return manifest_from(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise _damaged(str(path), error) from error


def manifest_from(text: str, where: str) -> IndexManifest:
    """The manifest in a text, read at `where`. Raises SearchIndexError where it is none of this version."""
    try:
        values = json.loads(text)
        if values.get("version") != VERSION:
            raise ValueError(f"version {values.get('version')!r} instead of {VERSION}")
        known = {field.name for field in fields(IndexManifest)}
        if set(values) != known:
            raise ValueError(f"keys {sorted(set(values) ^ known)} are missing or unknown")
        return IndexManifest(**{**values, "canaries": tuple(Canary(**canary) for canary in values["canaries"])})
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise _damaged(where, error) from error


def _damaged(where: str, error: Exception) -> SearchIndexError:
    return SearchIndexError(f"the index's manifest {where} is damaged ({error}). {REMEDY}")


def fingerprint(folder: Path) -> dict[str, str]:
    """relative path -> sha256 of all that Chroma keeps below `folder`."""
    root = folder / CHROMA_FOLDER
    found: dict[str, str] = {}
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        name = path.relative_to(root).as_posix()
        # SQLite's journals come and go; what matters of them is in the rows.
        if not name.startswith(SQLITE_FILE):
            found[name] = _sha256(path)
    found[SQLITE_FILE] = _rows_sha256(root / SQLITE_FILE)
    return found


def check_files(folder: Path, expected: Mapping[str, str]) -> None:
    """Raises SearchIndexError naming the first file that is missing, truncated, changed or unexpected."""
    missing = [name for name in expected if not (folder / CHROMA_FOLDER / name).is_file()]
    if missing:
        raise SearchIndexError(f"the example index in {folder} lacks its file {sorted(missing)[0]}. {REMEDY}")
    found = fingerprint(folder)
    for name in sorted(set(found) | set(expected)):
        if name not in expected:
            raise SearchIndexError(f"the example index in {folder} holds a file that was not built: {name}. {REMEDY}")
        if found[name] != expected[name]:
            raise SearchIndexError(f"the example index in {folder} is damaged: {name} is not as it was built. {REMEDY}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _rows_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with closing(sqlite3.connect(path)) as connection:
            # SQLite's own indexes are in no row; one flipped byte of theirs, and Chroma finds a row without its data.
            (verdict,) = connection.execute("pragma integrity_check(1)").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
            for row in _rows(connection):
                digest.update(repr(row).encode())
    except sqlite3.Error as error:
        raise SearchIndexError(f"the example index's file {path} is damaged ({error}). {REMEDY}") from error
    return digest.hexdigest()


def _rows(connection: sqlite3.Connection) -> Iterator[tuple]:
    for table in _HASHED_TABLES:
        yield (table,)
        yield from connection.execute(f"select * from {table} order by rowid")
