"""An index from rows of the data sets: drawn, embedded, stored. Each step can be killed and taken up again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from composer.errors import TaskError
from composer.retrieval.build import IndexRows, build_index, check_place, is_current
from composer.retrieval.embedding import Progress, TextEncoder, embed_texts, forget_vectors
from composer.retrieval.lock import FolderLock, cannot_write
from composer.retrieval.manifest import IndexManifest, read_manifest
from composer.retrieval.server import ServerPlace, build_on_server
from composer.tasks.sampling import PER_TASK, SEED, draw_examples
from composer.tasks.sources import RowSource


@dataclass(frozen=True)
class TextRows:
    """Columns of equal length, and what was left out on the way."""

    ids: tuple[str, ...]
    tasks: tuple[str, ...]
    texts: tuple[str, ...]
    """What will be embedded. Never with the gold answer."""
    skipped: tuple[str, ...] = ()
    """A sentence per bad row."""

    @property
    def sha256(self) -> str:
        """Of the rows themselves: the same rows from another place are the same source."""
        digest = hashlib.sha256()
        for row in zip(self.ids, self.tasks, self.texts, strict=True):
            digest.update(json.dumps(row).encode() + b"\n")
        return digest.hexdigest()


def draw_rows(
    source: RowSource,
    tasks: Sequence[str],
    *,
    per_task: int = PER_TASK,
    seed: int = SEED,
    bad_rows: str = "skip",
    progress: Progress,
) -> TextRows:
    """The training rows of an index, task by task. Raises TaskError for a task without rows, or a bad row (refused)."""
    if not tasks:
        raise TaskError(f"{source.name} has training rows of none of the tasks. It needs <task>/train.jsonl, for one.")
    ids: list[str] = []
    names: list[str] = []
    texts: list[str] = []
    skipped: list[str] = []
    for number, task in enumerate(tasks):
        progress(number, len(tasks))
        drawn = draw_examples(source, task, count=per_task, seed=seed, bad_rows=bad_rows)
        ids += [example.row_id for example in drawn.examples]
        names += [task] * len(drawn.examples)
        texts += [example.text for example in drawn.examples]
        skipped += drawn.skipped
    progress(len(tasks), len(tasks))
    return TextRows(tuple(ids), tuple(names), tuple(texts), tuple(skipped))


def build_from_rows(
    folder: Path,
    rows: TextRows,
    encoder: TextEncoder,
    *,
    embedding: Progress,
    storing: Progress,
    force: bool = False,
) -> IndexManifest:
    """Build, or go on with a build of the same rows. A current index is left as it is, unless forced.

    Raises SearchIndexError as `build_index` does.
    """
    source_sha256 = rows.sha256
    try:
        check_place(folder)
        folder.mkdir(parents=True, exist_ok=True)
        lock = FolderLock.acquire(folder, exclusive=True)
        try:
            if force or is_current(folder, encoder.sha256, source_sha256):
                # Also what a kill left between the manifest and the last line of this function.
                forget_vectors(folder)
            if not force and is_current(folder, encoder.sha256, source_sha256):
                return read_manifest(folder)
            vectors = embed_texts(folder, rows.texts, encoder, source_sha256=source_sha256, progress=embedding)
        finally:
            lock.release()
        manifest = build_index(
            folder,
            IndexRows(rows.ids, rows.tasks, rows.texts, vectors),
            encoder_sha256=encoder.sha256,
            source_sha256=source_sha256,
            progress=storing,
            force=force,
        )
        forget_vectors(folder)
        return manifest
    except OSError as error:
        raise cannot_write(folder, error) from error


def build_from_rows_on_server(
    place: ServerPlace,
    rows: TextRows,
    encoder: TextEncoder,
    *,
    work: Path,
    embedding: Progress,
    storing: Progress,
    force: bool = False,
) -> IndexManifest:
    """As `build_from_rows`. `work` is a folder on this machine that keeps the vectors until the server has them."""
    source_sha256 = rows.sha256
    folder = work / source_sha256[:12]

    def embedded() -> IndexRows:
        vectors = embed_texts(folder, rows.texts, encoder, source_sha256=source_sha256, progress=embedding)
        return IndexRows(rows.ids, rows.tasks, rows.texts, vectors)

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FolderLock.acquire(folder, exclusive=True)
        try:
            if force:
                forget_vectors(folder)
            manifest = build_on_server(
                place,
                embedded,
                encoder_sha256=encoder.sha256,
                source_sha256=source_sha256,
                progress=storing,
                force=force,
            )
            forget_vectors(folder)
            return manifest
        finally:
            lock.release()
    except OSError as error:
        raise cannot_write(folder, error) from error
