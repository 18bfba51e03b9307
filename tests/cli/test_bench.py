from __future__ import annotations

from pathlib import Path

import pytest

from composer.cli import bench


def test_without_the_checkouts_folder_the_command_says_so(cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bench, "ROOT", tmp_path)
    ended = cli("bench", "--only", "merge")
    assert ended.status == 1
    assert "benchmarks come with the repository, not with the package" in ended.err


def test_an_unknown_measurement_is_refused_before_anything_is_loaded(cli):
    ended = cli("bench", "--only", "compair")
    assert (ended.status, ended.out) == (1, "")
    assert "Did you mean 'compare'" in ended.err


def test_a_part_of_the_measurements_leaves_the_page_alone(cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from benchmarks import report, run

    monkeypatch.setitem(report.PAGES, "cpu", tmp_path / "page.md")
    monkeypatch.setitem(run.MEASUREMENTS, "memory", lambda plan: {"peak_rss_mb": 1_200.0, "questions": 40})
    results = tmp_path / "results.json"
    ended = cli("bench", "--only", "memory", "--json", str(results))
    assert ended.status == 0, ended.err
    assert "Peak: **1,200 MB** after 40 questions" in ended.out
    assert '"peak_rss_mb": 1200.0' in results.read_text(encoding="utf-8")
    assert not (tmp_path / "page.md").exists()
