"""The README's table says what the results file says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from composer.config import ROOT
from composer.errors import SettingsError
from composer.evaluation.readme import END, RESULTS, START, insert, markdown

RESULT = {
    "tasks": {
        "copa": {"base": {"accuracy": 0.5, "n": 20}, "own": {"accuracy": 0.95, "n": 20}},
        "imdb": {"base": {"accuracy": 0.25, "n": 8}},
    },
    "held_out": ["imdb"],
    "mean": {"base": 0.5, "own": 0.95},
    "held_out_mean": {"base": 0.25},
    "retrieval": {
        "tasks": {},
        "mean": {"heaviest": 0.9, "in_nucleus": 1.0, "as_typed": {"heaviest": 0.7, "in_nucleus": 0.875}},
    },
}


def test_each_task_has_a_row_and_a_missing_figure_a_dash() -> None:
    lines = markdown(RESULT).splitlines()
    assert "| copa | 50.0 | 95.0 | 20 |" in lines
    assert "| imdb (held out) | 25.0 | – | 8 |" in lines
    assert "90.0 %" in lines[-1] and "87.5 %" in lines[-1]


def test_only_what_stands_between_the_markers_changes() -> None:
    assert insert(f"a {START} old {END} b", "new") == f"a {START}\nnew\n{END} b"


def test_a_missing_marker_is_one_sentence() -> None:
    with pytest.raises(SettingsError, match="Put both back"):
        insert(f"no end {START}", "new")


def test_the_readme_is_current() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert insert(readme, markdown(json.loads(Path(RESULTS).read_text(encoding="utf-8")))) == readme
