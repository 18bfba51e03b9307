from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from composer.errors import SettingsError
from composer.evaluation.report import evaluation_table
from composer.evaluation.results_file import check_writable, evaluation_to_json, read_results, write_results
from composer.evaluation.table import aligned

from .made import COPA, MADE


def test_the_json_has_the_public_schema():
    data = json.loads(json.dumps(evaluation_to_json(MADE), allow_nan=False))
    copa = data["tasks"]["copa"]
    correct = {"tokens": 1, "sum": 0, "bytes": 1}
    quarter = {"accuracy": 0.25, "interval": [0.0456, 0.6994], "correct": correct}
    assert copa["columns"] == {
        "base": {**quarter, "chosen": "0110"},
        "own": {
            "accuracy": 1.0,
            "interval": [0.5101, 1.0],
            "correct": {"tokens": 4, "sum": 0, "bytes": 4},
            "chosen": "0001",
        },
        "ties, typed": {**quarter, "chosen": "01--", "failed": 2},
    }
    assert (copa["n"], copa["majority"], copa["held_out"], copa["gold"]) == (4, 3, False, "0001")
    nearest = [0.9, 0.8, 0.7, 0.6]
    assert copa["routed"] == {"typed": {"heaviest": 1, "in_nucleus": 2, "sizes": [1, 2, 4, 7], "nearest": nearest}}
    assert copa["types"] == {"negation": "1001", "commonsense": "1111"}
    assert list(data["tasks"]["imdb"]["columns"]) == ["base", "ties, typed"]
    assert data["tasks"]["imdb"]["held_out"]
    assert (data["bank"], data["split"], data["computed"]) == ("made", "test", "cpu, float32, none")
    assert data["columns"] == ["base", "own", "ties, typed"]
    assert data["mean"] == {"base": 0.25, "own": 1.0, "ties, typed": 0.25}
    assert data["mean_interval"]["own"] == [1.0, 1.0]
    assert data["held_out_mean"] == {"base": 0.5, "ties, typed": 0.75}
    assert data["mean_by_normalization"]["sum"] == {"base": 0.0, "own": 0.0, "ties, typed": 0.0}
    assert (data["settings"]["top_p"], data["settings"]["normalization"]) == (0.9, "tokens")


def test_what_is_read_back_is_what_was_written(tmp_path: Path):
    write_results(tmp_path / "results.json", MADE)
    found = read_results(tmp_path / "results.json")
    assert evaluation_to_json(found) == evaluation_to_json(MADE)
    rounded = [replace(one, nearest=tuple(round(value, 3) for value in one.nearest)) for _, one in COPA.routed]
    copa = replace(COPA, routed=(("typed", rounded[0]),))
    assert found == replace(MADE, tasks=(copa, *MADE.tasks[1:]))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"bank": 1, "tasks": []}', None])
def test_a_file_of_another_shape_is_one_sentence(tmp_path: Path, text: str | None):
    path = tmp_path / "results.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SettingsError, match="results.json cannot be read .*Write it with `evaluate --output"):
        read_results(path)


def test_accuracy_is_that_of_the_settings_own_normalization():
    settings = replace(MADE.settings, score=replace(MADE.settings.score, normalization="sum"))
    data = evaluation_to_json(replace(MADE, settings=settings))
    assert data["tasks"]["copa"]["columns"]["own"]["accuracy"] == 0
    assert data["mean"]["own"] == 0


def test_the_table_says_what_was_measured_and_what_failed():
    lines = [line.split() for line in evaluation_table(MADE).splitlines()]
    assert ["copa", "4", "75.0", "25.0", "100.0", "25.0"] in lines
    assert ["mean", "25.0", "100.0", "25.0"] in lines
    assert ["imdb", "(held", "out)", "4", "50.0", "50.0", "75.0"] in lines
    assert ["95", "%", "of", "the", "mean", "0.0-67.4", "100.0-100.0", "0.0-67.4"] in lines
    assert ["copa", "25.0", "50.0"] in lines
    assert ["sum", "0.0", "0.0", "0.0"] in lines
    assert "ties, typed failed on 2 of 4 rows of copa." in evaluation_table(MADE)


def test_held_out_tasks_alone_have_no_retrieval_table():
    alone = replace(MADE, columns=("base",), tasks=MADE.tasks[1:])
    assert "Own task found" not in evaluation_table(alone)
    assert evaluation_to_json(alone)["mean"] == {}


def test_where_the_own_task_is_taken_away_it_is_not_looked_for():
    unseen = replace(COPA, routed=(("typed, unseen", COPA.routed[0][1]),))
    assert "Own task found: not asked for" in evaluation_table(replace(MADE, tasks=(unseen,)))


def test_columns_line_up():
    assert aligned([["a", "1"], ["bcd", "22"]]) == "a     1\nbcd  22"


def test_results_are_written_whole_and_nothing_else_is_left(tmp_path: Path):
    check_writable(tmp_path / "results.json")
    assert list(tmp_path.iterdir()) == []
    write_results(tmp_path / "results.json", MADE)
    assert json.loads((tmp_path / "results.json").read_text()) == evaluation_to_json(MADE)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("place", ["missing/results.json", "file/results.json", "."])
def test_a_place_that_takes_no_file_is_refused_beforehand(tmp_path: Path, place: str):
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="cannot be written"):
        check_writable(tmp_path / place)


def test_without_space_the_old_results_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(self, *_, **__):
        self.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    old = tmp_path / "results.json"
    old.write_text("old")
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(SettingsError, match="No space left on device"):
        write_results(old, MADE)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("results.json", "old")]
