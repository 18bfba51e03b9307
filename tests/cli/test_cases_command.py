"""`composer cases`: what the page's gallery shows of a bank."""

from __future__ import annotations

import json

from composer.bank.manifest import load_bank
from composer.ui import outcomes
from composer.ui.cases import load_cases


def test_every_case_is_answered_and_kept_for_the_gallery(cli, tiny_bank, tmp_path, monkeypatch):
    path = tmp_path / "cases-tiny.json"
    ended = cli("cases", "--output", path, "--json")
    assert ended.status == 0, ended.err
    told = json.loads(ended.out)
    slugs = [case.slug for case in load_cases()]
    assert (told["bank"], list(told["cases"])) == ("tiny", slugs)
    assert outcomes.read_outcomes(load_bank(tiny_bank), tmp_path) == told["cases"]
    assert f"{len(slugs)} of {len(slugs)}" in ended.err and str(path) in ended.err


def test_a_place_that_cannot_be_written_is_found_before_anything_is_asked(cli, refused, tmp_path):
    refused(cli("cases", "--output", tmp_path), "cannot be written")


def test_a_person_reads_how_many_merges_are_right(cli, tmp_path):
    ended = cli("cases", "--output", tmp_path / "out.json")
    assert ended.status == 0, ended.err
    studies, lines = load_cases(), ended.out.splitlines()
    assert lines[0].split() == ["Case", "right", "agreement", "heaviest", "task"]
    known = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["cases"]
    for case, line in zip(studies, lines[1:], strict=True):
        right = known[case.slug]["right"]
        assert line.startswith(case.title) and f"  {'?' if right is None else f'{right} of 4'}  " in line
