from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rows import INDEXED, ROWS

from benchmarks.routing import main
from benchmarks.routing_page import TEMPLATE, page
from benchmarks.routing_picture import draw


def routed(rows: int, own: str, other: str, right: int) -> dict:
    within = {"1": right, "3": rows, "5": rows, "8": rows}
    heaviest = {own: right, other: rows - right}
    inside = {"rows": rows, "heaviest": heaviest, "in_nucleus": rows, "nucleus_size": 1.5}
    return {**inside, "within": within, "profile_within": within}


def measured(build: dict, right: int) -> dict:
    return {
        "build": build,
        "question": {
            "weights": {name: {"cb": 0.7, "sst2": 0.3} for name in ("inverse", "exp", "cosine")},
            "kept": {"cb": 1.0},
            "nearest": [],
            "paper": {"commonsense_qa": 0.5952},
        },
        "routing": {
            form: {
                "cb": routed(50, "cb", "sst2", right),
                "sst2": routed(100, "sst2", "cb", 100),
                "imdb": routed(100, "sst2", "cb", 90),
            }
            for form in ("typed", "hinted")
        },
    }


OWN = {"bank": "a-bank", "rows": 33, "tasks": {"cb": 11, "sst2": 22}, "processor": "some processor", "commit": "abc"}
REAL = {
    "rows": 300,
    "tasks": {"cb": 100, "sst2": 200},
    "left_out": 4,
    "seconds": 90.0,
    "embedded_per_second": 50.0,
    "peak_mb": 1_200,
    "processor": "some processor",
    "commit": "abc",
}
RESULTS = {
    "own": measured(OWN, right=30),
    "real": measured(REAL, right=40),
    "published": {"1": 51.7, "3": 73.1, "5": 80.5, "8": 87.2},
}


def test_the_page_means_over_tasks_and_leaves_the_held_out_ones_out_of_it():
    text = page(RESULTS, TEMPLATE.read_text(encoding="utf-8"))
    assert "33 examples of 2 tasks" in text and "300 rows, 4 bad rows" in text
    assert text.index("| cb | 50 | 60 | 100 | 1.5 | sst2 40 | 60 |") < text.index(
        "| cb | 50 | 80 | 100 | 1.5 | sst2 20 |"
    )
    assert "| *imdb* | 100 | - | - | 1.5 | sst2 90, cb 10 | - |" in text
    assert "| **mean** |  | 90.0 | 100.0 | 1.5 |  | 90.0 |" in text
    assert "| commonsense_qa | - | - | - | 0.595 |" in text
    assert "| LoraRetriever, as published | 48 | 51.7 | 73.1 | 80.5 | 87.2 |" in text


def test_the_picture_has_a_cell_for_each_pair_and_is_well_formed():
    root = ElementTree.fromstring(
        draw({"cb": {"cb": 80.0, "sst2": 20.0}, "imdb": {"sst2": 100.0}}, ("cb", "sst2"), "T")
    )
    space = {"svg": "http://www.w3.org/2000/svg"}
    titles = [title.text for title in root.findall(".//svg:rect/svg:title", space)]
    assert titles == ["cb to cb: 80 %", "cb to sst2: 20 %", "imdb to cb: 0 %", "imdb to sst2: 100 %"]


def test_without_rows_it_refuses_in_one_sentence(capsys: pytest.CaptureFixture[str]):
    assert main([]) == 1
    assert "routing: this needs real rows of the data sets" in capsys.readouterr().err


def test_a_banks_own_index_is_asked_with_rows_that_it_does_not_hold(
    tiny_bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("COMPOSER_CACHE", str(tmp_path / "cache"))
    for task in ("cb", "sst2", "imdb"):
        (tmp_path / task).mkdir()
        rows = ROWS[task] if task == "imdb" else ROWS[task][INDEXED:]
        lines = [json.dumps(row) for row in rows]
        (tmp_path / task / "dev.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    file = tmp_path / "found.json"
    asked = ["--index", "own", "--data", str(tmp_path), "--bank", str(tiny_bank)]
    assert main([*asked, "--json", str(file)]) == 0
    found = json.loads(file.read_text(encoding="utf-8"))
    assert list(found) == ["own", "published"]
    assert found["own"]["build"]["tasks"]["cb"] == INDEXED
    for form in ("typed", "hinted"):
        routed = found["own"]["routing"][form]
        assert set(routed) == {"cb", "sst2", "imdb"}
        assert sum(routed["cb"]["heaviest"].values()) == routed["cb"]["rows"] == len(ROWS["cb"]) - INDEXED
    assert main([*asked, "--docs"]) == 1
    assert "'real' was not measured" in capsys.readouterr().err
