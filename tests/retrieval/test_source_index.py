from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import killed_builds
import numpy as np
import pytest
from hash_encoder import HashEncoder

from composer.errors import SearchIndexError, TaskError
from composer.retrieval import embedding
from composer.retrieval.index import SearchIndex
from composer.retrieval.manifest import read_manifest
from composer.retrieval.source_index import TextRows, build_from_rows, draw_rows
from composer.tasks.sources import open_source

ROWS = TextRows(
    tuple(f"cb-train-{number}" for number in range(90)), ("cb",) * 90, tuple(f"row {number}" for number in range(90))
)


def quiet(done: int, total: int) -> None:
    return None


def build(folder: Path, rows: TextRows = ROWS, encoder: HashEncoder | None = None, **options):
    steps = {"embedding": quiet, "storing": quiet, **options}
    return build_from_rows(folder, rows, encoder or HashEncoder(), **steps)


def write_rows(folder: Path, task: str, count: int, **changes: object) -> None:
    (folder / task).mkdir(parents=True)
    lines = [
        json.dumps({"premise": f"It rained on day {n}.", "hypothesis": "It was wet.", "label": 0, **changes})
        for n in range(count)
    ]
    (folder / task / "train.jsonl").write_text("\n".join(lines))


def test_rows_are_drawn_per_task_and_named_by_what_they_hold(tmp_path: Path):
    write_rows(tmp_path / "a", "cb", 30)
    write_rows(tmp_path / "a", "rte", 5)
    seen: list[tuple[int, int]] = []
    rows = draw_rows(open_source([str(tmp_path / "a")]), ("rte", "cb"), per_task=10, progress=lambda *p: seen.append(p))
    assert seen == [(0, 2), (1, 2), (2, 2)]
    assert rows.tasks == ("rte",) * 5 + ("cb",) * 10
    assert rows.texts[0].endswith("Premise: It rained on day 0.\nHypothesis: It was wet.")
    write_rows(tmp_path / "b", "cb", 30)
    write_rows(tmp_path / "b", "rte", 5)
    again = draw_rows(open_source([str(tmp_path / "b")]), ("rte", "cb"), per_task=10, progress=quiet)
    assert again.sha256 == rows.sha256
    other = draw_rows(open_source([str(tmp_path / "b")]), ("rte", "cb"), per_task=10, seed=1, progress=quiet)
    assert other.sha256 != rows.sha256


def test_a_source_without_rows_of_any_task_is_refused(tmp_path: Path):
    with pytest.raises(TaskError, match="has training rows of none of the tasks"):
        draw_rows(open_source([str(tmp_path)]), (), progress=quiet)


def test_an_index_of_rows_finds_them_and_leaves_no_vectors_behind(tmp_path: Path):
    manifest = build(tmp_path)
    assert manifest.counts == {"cb": 90}
    assert manifest.source_sha256 == ROWS.sha256
    index = SearchIndex.open(tmp_path, "e" * 64, ROWS.sha256)
    index.check(deep=True)
    assert index.search(HashEncoder().encode(["row 41"])[0], 1, "inverse")[0].row_id == "cb-train-41"
    index.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chroma", "index.lock", "manifest.json"]


def test_a_current_index_is_not_embedded_again_and_a_forced_or_changed_one_is(tmp_path: Path):
    build(tmp_path)
    encoder = HashEncoder()
    build(tmp_path, encoder=encoder)
    assert encoder.embedded == []
    build(tmp_path, encoder=encoder, force=True)
    assert len(encoder.embedded) == 90
    fewer = TextRows(ROWS.ids[:60], ROWS.tasks[:60], ROWS.texts[:60])
    assert build(tmp_path, fewer).total == read_manifest(tmp_path).total == 60


class Killed(BaseException):
    pass


def test_embedding_goes_on_where_it_stopped_and_drops_half_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(embedding, "BATCH_SIZE", 30)

    def kill(done: int, total: int) -> None:
        if done == 60:
            raise Killed

    with pytest.raises(Killed):
        build(tmp_path, embedding=kill)
    with (tmp_path / "vectors.f32").open("ab") as file:
        file.write(b"half a row")
    encoder, seen = HashEncoder(), []
    build(tmp_path, encoder=encoder, embedding=lambda *progress: seen.append(progress))
    assert seen == [(60, 90), (90, 90)]
    assert encoder.embedded == list(ROWS.texts[60:])
    index = SearchIndex.open(tmp_path, "e" * 64)
    assert [index.search(encoder.encode([f"row {n}"])[0], 1, "inverse")[0].row_id for n in (0, 59, 60, 89)] == [
        f"cb-train-{n}" for n in (0, 59, 60, 89)
    ]
    index.close()


@pytest.mark.parametrize("changed", ["encoder", "rows"])
def test_vectors_of_another_encoder_or_of_other_rows_are_not_taken_up(tmp_path: Path, changed: str):
    def kill(done: int, total: int) -> None:
        if done == total:
            raise Killed

    with pytest.raises(Killed):
        build(tmp_path, embedding=kill)
    encoder = HashEncoder("f" * 64 if changed == "encoder" else "e" * 64)
    rows = TextRows(ROWS.ids, ROWS.tasks, tuple(text + "!" for text in ROWS.texts)) if changed == "rows" else ROWS
    build(tmp_path, rows, encoder)
    assert encoder.embedded == list(rows.texts)


def test_a_folder_that_takes_no_files_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(embedding.os, "fsync", full)
    with pytest.raises(SearchIndexError, match="no space is left for the example index"):
        build(tmp_path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the builds are forked")
def test_after_dozens_of_kills_at_random_moments_the_index_is_as_if_there_had_been_none(tmp_path: Path):
    killed = tmp_path / "killed"
    command = [sys.executable, killed_builds.__file__, str(killed)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    moments = json.loads(ended.stdout)["moments"]
    assert sum(moments.values()) >= 30
    assert {"embedding", "storing"} <= set(moments), moments

    rows = killed_builds.rows()
    whole = build(tmp_path / "whole", rows)
    assert read_manifest(killed).counts == whole.counts == {"boolq": 134, "cb": 133, "piqa": 133}
    indexes = [SearchIndex.open(folder, "e" * 64, rows.sha256) for folder in (killed, tmp_path / "whole")]
    for vector in HashEncoder().encode([*rows.texts[:5], "something else"]):
        answers = [index.search(vector, 50, "inverse") for index in indexes]
        assert [n.row_id for n in answers[0]] == [n.row_id for n in answers[1]]
        assert np.allclose([n.distance for n in answers[0]], [n.distance for n in answers[1]], atol=1e-6)
    for index in indexes:
        index.check(deep=True)
        index.close()
