"""What a run has found stays found, whatever moment it was killed at."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer.errors import SettingsError
from composer.evaluation.saved import Saved


def test_lines_are_kept_joined_and_read_again(tmp_path: Path):
    saved = Saved(tmp_path / "deep" / "found.jsonl")
    saved.add("a", {"base": [-1.5, -2.0], "tokens": [1, 2]})
    saved.add("b", {"base": None})
    saved.add("a", {"ties": [-0.1, 1 / 3]})
    saved.add("c", {})
    for one in (saved, Saved(tmp_path / "deep" / "found.jsonl")):
        assert one.get("a") == {"base": [-1.5, -2.0], "tokens": [1, 2], "ties": [-0.1, 1 / 3]}
        assert (one.get("b"), one.get("c"), one.get("d")) == ({"base": None}, {}, {})


def test_nothing_is_written_before_something_is_found(tmp_path: Path):
    assert Saved(tmp_path / "found.jsonl").get("a") == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cut", range(1, 40, 6))
def test_a_line_that_a_kill_cut_off_does_not_count_and_harms_none_that_follows(tmp_path: Path, cut: int):
    path = tmp_path / "found.jsonl"
    first = Saved(path)
    first.add("a", {"base": [1.0]})
    first.add("b", {"base": [2.0, 3.0]})
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    again = Saved(path)
    assert again.get("a") == {"base": [1.0]}
    assert again.get("b") == ({"base": [2.0, 3.0]} if cut == 1 else {})
    again.add("b", {"base": [2.0, 3.0]})
    again.add("c", {"base": [4.0]})
    last = Saved(path)
    assert [last.get(key) for key in "abc"] == [{"base": [1.0]}, {"base": [2.0, 3.0]}, {"base": [4.0]}]


def test_lines_of_something_else_are_passed_over(tmp_path: Path):
    path = tmp_path / "found.jsonl"
    path.write_bytes(b'[]\n{"row": "a"}\n7\n\xff\xfe\n\n{"row": "a", "values": {"base": [1]}}\n')
    assert Saved(path).get("a") == {"base": [1]}


def test_a_place_that_takes_no_file_is_one_sentence(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="cannot be kept in .*File exists.*COMPOSER_CACHE"):
        Saved(tmp_path / "file" / "found.jsonl").add("a", {"base": [1]})
