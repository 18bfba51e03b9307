from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from index_rows import ENCODER, ROWS, SOURCE, VECTORS, build, made_rows

from composer.errors import SearchIndexError
from composer.retrieval.build import IndexRows, build_index, is_current
from composer.retrieval.chroma import Collection
from composer.retrieval.index import SearchIndex
from composer.retrieval.manifest import read_manifest


def test_an_unbuilt_index_says_how_to_build_it(tmp_path: Path):
    with pytest.raises(SearchIndexError, match="no finished example index.*index build"):
        SearchIndex.open(tmp_path, ENCODER)


def test_no_space_while_chroma_writes_is_one_sentence_and_no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from chromadb.errors import InternalError

    def full(*_: object, **__: object):
        raise InternalError("error returned from database: (code: 13) database or disk is full")

    monkeypatch.setattr("chromadb.api.models.Collection.Collection.upsert", full)
    with pytest.raises(SearchIndexError, match="no space is left"):
        build(tmp_path, made_rows(10))
    monkeypatch.undo()
    with pytest.raises(SearchIndexError, match="no finished example index"):
        SearchIndex.open(tmp_path, ENCODER)
    build(tmp_path, made_rows(10))


def test_a_build_reports_progress_to_the_end_and_counts_every_task(tmp_path: Path):
    seen: list[tuple[int, int]] = []
    manifest = build(tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 1_200), (500, 1_200), (1_000, 1_200), (1_200, 1_200)]
    assert manifest.counts == {"boolq": 400, "cb": 400, "piqa": 400}
    assert manifest == read_manifest(tmp_path)
    assert len(manifest.canaries) == 32


class Killed(BaseException):
    pass


def test_a_killed_build_is_no_index_and_goes_on_where_it_stopped(tmp_path: Path):
    def kill(done: int, total: int) -> None:
        if done >= 1_000:
            raise Killed

    with pytest.raises(Killed):
        build(tmp_path, progress=kill)
    with pytest.raises(SearchIndexError, match="no finished example index"):
        SearchIndex.open(tmp_path, ENCODER)
    seen: list[int] = []
    build(tmp_path, progress=lambda done, total: seen.append(done))
    assert seen == [1_000, 1_200]
    resumed = SearchIndex.open(tmp_path, ENCODER, SOURCE)
    assert [resumed.search(VECTORS[row], 1, "inverse")[0].row_id for row in (0, 700, 1_100)] == [
        ROWS.ids[row] for row in (0, 700, 1_100)
    ]
    resumed.close()


def test_a_build_killed_while_the_vector_files_were_written_starts_over(tmp_path: Path):
    def kill(done: int, total: int) -> None:
        if done == total:
            raise Killed

    with pytest.raises(Killed):
        build(tmp_path, made_rows(600), progress=kill)
    os.truncate(next(tmp_path.rglob("data_level0.bin")), 500_000)
    seen: list[int] = []
    build(tmp_path, made_rows(600), progress=lambda done, total: seen.append(done))
    assert seen == [0, 500, 600]


def test_an_interrupted_build_of_other_rows_is_not_kept(tmp_path: Path):
    def kill(done: int, total: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        build(tmp_path, progress=kill)
    manifest = build_index(tmp_path, made_rows(20, seed=1), encoder_sha256=ENCODER, source_sha256="7" * 64)
    assert manifest.total == 20


def test_a_current_index_is_left_alone_unless_forced(copied: Path, monkeypatch: pytest.MonkeyPatch):
    before = read_manifest(copied)
    assert is_current(copied, ENCODER, SOURCE)
    assert not is_current(copied, ENCODER, "7" * 64)
    assert build(copied) == before
    assert build(copied, made_rows(20), force=True).total == 20


def test_a_build_that_loses_rows_is_not_counted_as_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = Collection.upsert
    monkeypatch.setattr(Collection, "upsert", lambda self, i, v, t, m: whole(self, i[1:], v[1:], t[1:], m[1:]))
    with pytest.raises(SearchIndexError, match="holds 29 of 30 rows"):
        build(tmp_path, made_rows(30))
    with pytest.raises(SearchIndexError, match="no finished"):
        SearchIndex.open(tmp_path, ENCODER)


def test_vectors_stored_under_another_row_are_not_counted_as_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = Collection.upsert
    monkeypatch.setattr(Collection, "upsert", lambda self, i, v, t, m: whole(self, i, v[::-1].copy(), t, m))
    with pytest.raises(SearchIndexError, match="no longer finds itself"):
        build(tmp_path, made_rows(30))
    assert not is_current(tmp_path, ENCODER, SOURCE)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ids": ["a", "a"]}, "occurs twice"),
        ({"tasks": ["cb"]}, "one length"),
        ({"vectors": np.ones((2, 10))}, r"\(n, 384\)"),
        ({"vectors": np.full((2, 384), np.nan)}, "NaN"),
        ({"vectors": np.zeros((2, 384))}, "zero"),
    ],
)
def test_rows_that_cannot_be_searched_are_refused(change: dict, words: str):
    good = {"ids": ["a", "b"], "tasks": ["cb", "cb"], "texts": ["x", "y"], "vectors": VECTORS[:2]}
    with pytest.raises(SearchIndexError, match=words):
        IndexRows(**{**good, **change})
