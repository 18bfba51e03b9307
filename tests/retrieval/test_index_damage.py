from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from index_rows import ENCODER, SOURCE, VECTORS, build, made_rows

from composer.errors import SearchIndexError
from composer.retrieval.index import SearchIndex
from composer.retrieval.lock import FolderLock


def vector_file(folder: Path) -> Path:
    return next(folder.rglob("data_level0.bin"))


def test_a_whole_index_opens_again_and_again_and_passes_the_deep_check(built: Path):
    for _ in range(3):
        SearchIndex.open(built, ENCODER, SOURCE).close()
    opened = SearchIndex.open(built, ENCODER, SOURCE)
    opened.search(VECTORS[3], 5, "inverse")
    opened.check(deep=True)
    opened.close()


def test_a_closed_index_may_be_closed_again(built: Path):
    opened = SearchIndex.open(built, ENCODER)
    opened.close()
    opened.close()
    assert built.resolve() not in FolderLock._held


def truncate(folder: Path) -> None:
    os.truncate(vector_file(folder), 1_000_000)


def flip(folder: Path) -> None:
    content = bytearray(vector_file(folder).read_bytes())
    for position in np.random.default_rng(0).integers(0, len(content), 5_000):
        content[position] ^= 0xFF
    vector_file(folder).write_bytes(content)


def lose_vectors(folder: Path) -> None:
    shutil.rmtree(vector_file(folder).parent)


def lose_sqlite(folder: Path) -> None:
    (folder / "chroma" / "chroma.sqlite3").unlink()


def truncate_sqlite(folder: Path) -> None:
    os.truncate(folder / "chroma" / "chroma.sqlite3", 40_000)


def scribble_over_sqlite(folder: Path) -> None:
    (folder / "chroma" / "chroma.sqlite3").write_bytes(b"not a data base" * 100)


def change_a_text(folder: Path) -> None:
    with sqlite3.connect(folder / "chroma" / "chroma.sqlite3") as connection:
        connection.execute("update embedding_metadata set string_value = 'other' where id = 7 and key = 'task'")
    connection.close()


def add_a_file(folder: Path) -> None:
    (vector_file(folder).parent / "more.bin").write_bytes(b"x")


@pytest.mark.parametrize(
    ("damage", "cause"),
    [
        (truncate, "data_level0.bin is not as it was built"),
        (flip, "data_level0.bin is not as it was built"),
        (lose_vectors, "lacks its file"),
        (lose_sqlite, "lacks its file chroma.sqlite3"),
        (truncate_sqlite, "chroma.sqlite3"),
        (scribble_over_sqlite, "chroma.sqlite3 is damaged"),
        (change_a_text, "chroma.sqlite3 is not as it was built"),
        (add_a_file, "more.bin"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_damage_is_named_with_its_remedy_and_never_crashes(copied: Path, damage, cause: str):
    damage(copied)
    with pytest.raises(SearchIndexError, match=cause) as refused:
        SearchIndex.open(copied, ENCODER, SOURCE)
    assert "index build --force" in str(refused.value)
    build(copied, made_rows(30), force=True)
    SearchIndex.open(copied, ENCODER, SOURCE).close()


def flipped_here_and_there(content: bytes) -> bytes:
    changed = bytearray(content)
    for position in range(0, len(content), max(1, len(content) // 200)):
        changed[position] ^= 0xFF
    return bytes(changed)


def test_each_file_flipped_or_truncated_or_deleted_is_noticed_and_put_back_is_whole(copied: Path):
    SearchIndex.open(copied, ENCODER, SOURCE).close()
    files = [path for path in copied.rglob("*") if path.is_file() and path.name != "index.lock"]
    assert len(files) > 5
    for path in files:
        whole = path.read_bytes()
        for damaged in (flipped_here_and_there(whole), whole[: len(whole) // 2], None):
            if damaged == whole:
                continue  # an empty file can only be deleted
            path.unlink()
            if damaged is not None:
                path.write_bytes(damaged)
            with pytest.raises(SearchIndexError):
                SearchIndex.open(copied, ENCODER, SOURCE)
            path.write_bytes(whole)
    SearchIndex.open(copied, ENCODER, SOURCE).close()


def test_one_flipped_byte_in_an_index_of_sqlite_is_noticed(copied: Path):
    path = copied / "chroma" / "chroma.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        (root,) = connection.execute(
            "select rootpage from sqlite_master where name = 'sqlite_autoindex_embeddings_1'"
        ).fetchone()
        (size,) = connection.execute("pragma page_size").fetchone()
    with path.open("r+b") as file:
        file.seek(root * size - 20)
        byte = file.read(1)[0]
        file.seek(root * size - 20)
        file.write(bytes([byte ^ 1]))
    with pytest.raises(SearchIndexError, match="chroma.sqlite3 is damaged.*--force"):
        SearchIndex.open(copied, ENCODER, SOURCE)


def test_another_encoder_of_the_same_width_is_refused(built: Path):
    with pytest.raises(SearchIndexError, match="another encoder.*--force"):
        SearchIndex.open(built, "f" * 64)


def test_other_examples_are_refused(built: Path):
    with pytest.raises(SearchIndexError, match="other examples.*--force"):
        SearchIndex.open(built, ENCODER, "6" * 64)


def edit_manifest(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_count_that_does_not_hold_is_refused(copied: Path):
    edit_manifest(copied, counts={"boolq": 400, "cb": 400, "piqa": 401})
    with pytest.raises(SearchIndexError, match="holds 1,200 examples and should hold 1,201"):
        SearchIndex.open(copied, ENCODER)


def test_a_count_per_task_that_does_not_hold_is_found_by_the_deep_check(copied: Path):
    edit_manifest(copied, counts={"boolq": 401, "cb": 399, "piqa": 400})
    opened = SearchIndex.open(copied, ENCODER)
    with pytest.raises(SearchIndexError, match="400 examples of boolq and should hold 401"):
        opened.check(deep=True)
    opened.close()


def test_a_canary_that_does_not_find_itself_is_refused(copied: Path):
    canaries = json.loads((copied / "manifest.json").read_text())["canaries"]
    canaries[0]["vector"], canaries[1]["vector"] = canaries[1]["vector"], canaries[0]["vector"]
    edit_manifest(copied, canaries=canaries)
    with pytest.raises(SearchIndexError, match="no longer finds itself"):
        SearchIndex.open(copied, ENCODER)
    assert copied.resolve() not in FolderLock._held


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 1}', '{"version": 99}', '{"version": 1, "files": 3}'])
def test_a_damaged_manifest_is_refused(copied: Path, content: str):
    (copied / "manifest.json").write_text(content)
    with pytest.raises(SearchIndexError, match="manifest .* is damaged"):
        SearchIndex.open(copied, ENCODER)
