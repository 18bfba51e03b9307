"""The README's table says what the results files say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from composer.errors import SettingsError
from composer.evaluation import page
from composer.evaluation.page import END, START, insert, markdown
from composer.evaluation.report import evaluation_to_json

from .made import MADE

TEST = evaluation_to_json(MADE)
DEV = evaluation_to_json(
    replace(MADE, split="dev", tasks=(MADE.tasks[0], replace(MADE.tasks[0], task="wic", n=1_234), MADE.tasks[1]))
)


def test_each_task_has_a_row_and_a_missing_figure_a_dash() -> None:
    lines = markdown(TEST, DEV).splitlines()
    assert lines[0] == "| task | rows | guess | base model | own adapter | ties, typed |"
    assert "| copa | 4 | 75.0 | 25.0 | 100.0 | 25.0 |" in lines
    assert "| imdb (held out) | 4 | 50.0 | 50.0 | – | 75.0 |" in lines
    assert "25.0 % and 50.0 %" in lines[-1]


def test_a_task_without_test_rows_shows_its_development_rows_marked() -> None:
    lines = markdown(TEST, DEV).splitlines()
    assert [line for line in lines if line.startswith("| wic")] == ["| wic\\* | 1234 | 0.2 | 25.0 | 100.0 | 25.0 |"]
    assert "| **mean of test rows** | 4 | | 25.0 | 100.0 | 25.0 |" in lines
    assert any(line.startswith("| **mean of development rows** | 1,238 |") for line in lines)
    assert sum(line.startswith("| copa") for line in lines) == 1


def test_only_what_stands_between_the_markers_changes() -> None:
    assert insert(f"a {START} old {END} b", "new") == f"a {START}\nnew\n{END} b"


@pytest.mark.parametrize("readme", ["nothing", f"no end {START}", f"no start {END}"])
def test_a_missing_marker_is_one_sentence(readme: str) -> None:
    with pytest.raises(SettingsError, match="Put both back"):
        insert(readme, "new")


def test_the_command_writes_the_table_from_the_files(cli, refused, tmp_path: Path, monkeypatch) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"Before\n{START}{END}\nAfter\n")
    monkeypatch.setattr(page, "RESULTS", tmp_path)
    refused(cli("results", "--readme", readme), "test.json cannot be read: .*Write it with `evaluate --output")
    for name, results in (("test", TEST), ("dev", DEV)):
        (tmp_path / f"{page.DEFAULT_BANK}-{name}.json").write_text(json.dumps(results))
    ended = cli("results", "--readme", readme)
    assert (ended.status, ended.out) == (0, f"Written: {readme}\n")
    assert readme.read_text() == f"Before\n{START}\n{markdown(TEST, DEV)}\n{END}\nAfter\n"


def test_a_readme_that_is_not_there_is_one_sentence(cli, refused, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(page, "RESULTS", tmp_path)
    for name, results in (("test", TEST), ("dev", DEV)):
        (tmp_path / f"{page.DEFAULT_BANK}-{name}.json").write_text(json.dumps(results))
    refused(cli("results", "--readme", tmp_path / "none.md"), "none.md. cannot be used .No such file")
