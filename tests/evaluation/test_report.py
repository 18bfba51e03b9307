from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from composer.config import Settings
from composer.errors import SettingsError
from composer.evaluation.grid import Evaluation, RetrievalTally, Tally, TaskResult
from composer.evaluation.report import check_writable, evaluation_table, evaluation_to_json, write_results
from composer.evaluation.table import aligned

MADE = Evaluation(
    bank="made",
    settings=Settings(),
    strategies=("base", "own", "ties"),
    tasks=(
        TaskResult(
            "copa",
            (("base", Tally(1, 4)), ("own", Tally(4, 4)), ("ties", Tally(1, 4, failed=2))),
            RetrievalTally(3, 4, 4),
            RetrievalTally(1, 2, 4),
        ),
        TaskResult("imdb", (("base", Tally(2, 4)), ("ties", Tally(3, 4))), None, None),
    ),
)


def test_the_json_has_the_public_schema():
    data = json.loads(json.dumps(evaluation_to_json(MADE), allow_nan=False))
    assert data["tasks"] == {
        "copa": {
            "base": {"accuracy": 0.25, "n": 4},
            "own": {"accuracy": 1.0, "n": 4},
            "ties": {"accuracy": 0.25, "n": 4, "failed": 2},
        },
        "imdb": {"base": {"accuracy": 0.5, "n": 4}, "ties": {"accuracy": 0.75, "n": 4}},
    }
    assert data["mean"] == {"base": 0.25, "own": 1.0, "ties": 0.25}
    assert data["held_out_mean"] == {"base": 0.5, "ties": 0.75}
    assert data["held_out"] == ["imdb"]
    shares = {"heaviest": 0.75, "in_nucleus": 1.0, "as_typed": {"heaviest": 0.25, "in_nucleus": 0.5}}
    assert data["retrieval"] == {"tasks": {"copa": {**shares, "n": 4}}, "mean": shares}
    assert data["settings"]["top_p"] == 0.9


def test_the_table_says_what_was_measured_and_what_failed():
    lines = [line.split() for line in evaluation_table(MADE).splitlines()]
    assert ["copa", "4", "25.0", "100.0", "25.0"] in lines
    assert ["mean", "25.0", "100.0", "25.0"] in lines
    assert ["imdb", "(held", "out)", "4", "50.0", "75.0"] in lines
    assert ["copa", "75.0", "100.0", "25.0", "50.0"] in lines
    assert "ties failed on 2 of 4 rows of copa." in evaluation_table(MADE)


def test_held_out_tasks_alone_have_no_retrieval_table():
    alone = Evaluation("made", Settings(), ("base",), MADE.tasks[1:])
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
