from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from composer.errors import SettingsError
from composer.evaluation.report import check_writable, evaluation_table, evaluation_to_json, write_results
from composer.evaluation.table import aligned

from .made import MADE


def test_the_json_has_the_public_schema():
    data = json.loads(json.dumps(evaluation_to_json(MADE), allow_nan=False))
    cell = {"accuracy": 0.25, "correct": {"tokens": 1, "sum": 0, "bytes": 1}, "failed": 2}
    assert data["tasks"]["copa"] == {
        "n": 4,
        "majority": 3,
        "columns": {
            "base": {"accuracy": 0.25, "correct": {"tokens": 1, "sum": 2, "bytes": 1}},
            "own": {"accuracy": 1.0, "correct": {"tokens": 4, "sum": 0, "bytes": 4}},
            "ties, typed": cell,
        },
    }
    assert list(data["tasks"]["imdb"]["columns"]) == ["base", "ties, typed"]
    assert (data["bank"], data["split"], data["computed"]) == ("made", "test", "cpu, float32, none")
    assert data["columns"] == ["base", "own", "ties, typed"]
    assert data["mean"] == {"base": 0.25, "own": 1.0, "ties, typed": 0.25}
    assert data["held_out_mean"] == {"base": 0.5, "ties, typed": 0.75}
    assert data["mean_by_normalization"]["sum"] == {"base": 0.5, "own": 0.0, "ties, typed": 0.0}
    assert data["held_out"] == ["imdb"]
    shares = {"typed": {"heaviest": 0.25, "in_nucleus": 0.5}}
    assert data["retrieval"] == {"tasks": {"copa": shares}, "mean": shares}
    assert (data["settings"]["top_p"], data["settings"]["normalization"]) == (0.9, "tokens")


def test_accuracy_is_that_of_the_settings_own_normalization():
    settings = replace(MADE.settings, score=replace(MADE.settings.score, normalization="sum"))
    data = evaluation_to_json(replace(MADE, settings=settings))
    assert data["tasks"]["copa"]["columns"]["base"]["accuracy"] == 0.5
    assert data["mean"]["base"] == 0.5


def test_the_table_says_what_was_measured_and_what_failed():
    lines = [line.split() for line in evaluation_table(MADE).splitlines()]
    assert ["copa", "4", "75.0", "25.0", "100.0", "25.0"] in lines
    assert ["mean", "25.0", "100.0", "25.0"] in lines
    assert ["imdb", "(held", "out)", "4", "50.0", "50.0", "75.0"] in lines
    assert ["copa", "25.0", "50.0"] in lines
    assert ["sum", "50.0", "0.0", "0.0"] in lines
    assert "ties, typed failed on 2 of 4 rows of copa." in evaluation_table(MADE)


def test_held_out_tasks_alone_have_no_retrieval_table():
    alone = replace(MADE, columns=("base",), tasks=MADE.tasks[1:])
    assert "Own task found" not in evaluation_table(alone)
    assert evaluation_to_json(alone)["mean"] == {}


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
