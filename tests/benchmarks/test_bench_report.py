from __future__ import annotations

import json

import pytest

from benchmarks import report
from benchmarks.bars import BARS, at
from benchmarks.load_section import END, START
from benchmarks.plan import METHODS
from benchmarks.report import page
from benchmarks.run import MEASUREMENTS, chosen
from composer.errors import SettingsError

SIDE = {
    "ours_ms": 2.0,
    "peft_ms": 50.0,
    "ratio": 25.0,
    "ours_spread_ms": [1.9, 2.1],
    "peft_spread_ms": [49.0, 51.0],
    "ratio_spread": [24.0, 26.0],
    "rounds": 9,
}
ROWS = {name: {**SIDE, "first_ms": 9.0, "first_ratio": 5.5} for name in (*METHODS, "all")}
MERGES = {**ROWS, "largest_difference": 1e-8}
DECOMPOSED = {
    name: {"ours_ms": 62.0, "ours_spread_ms": [61.0, 63.0], "ratio": 12.4, "rounds": 5} for name in ("cat", "core_ties")
}
COMPARE = {
    "ours_ms": 2.0,
    "ours_spread_ms": [1.9, 2.1],
    "p95_ms": 3.0,
    "rounds": 48,
    "questions": 15,
    "checked": 2,
    "parts": {name: {"ms": 0.5, "spread_ms": [0.4, 0.6]} for name in ("merge", "score", "explain")},
    "bare": {
        "bare_ms": 1.0,
        "bare_spread_ms": [0.9, 1.1],
        "ratio": 1.25,
        "ratio_spread": [1.2, 1.3],
        "pass_ratio": 1.1,
        "pass_ratio_spread": [1.0, 1.2],
    },
    "peft": SIDE,
    "batched": {**SIDE, "ratio": 19.0},
    "tokens_per_row": 21.0,
    "adapters_per_question": 4.5,
    "largest_difference": 1e-2,
    "same_choice": "9 of 9",
    "largest_difference_fp32": 1e-6,
}
RESULTS = {
    "machine": {
        "date": "2026-01-01 12:00 UTC",
        "commit": "abc",
        "processor": "A processor",
        "cores": 2,
        "torch_threads": 2,
        "load_before": 0.1,
        "system": "Linux",
        "device": "cpu",
        "gpu": "",
        "versions": {"torch": "1"},
    },
    "merge": {**MERGES, "decomposed": DECOMPOSED},
    "merge_7b_shape": {**MERGES, "memory": {"merged_mb": 100.0, "peak_extra_mb": 250.0, "peak_to_merged": 2.5}},
    "compare": COMPARE,
    "neighbours": {"p50_ms": 12.0, "p95_ms": 15.0, "questions": 96, "rows": 3_300},
    "start": {"first_s": 40.0, "later_s": 8.0, "peak_rss_mb": 2_300.0, "rounds": 3},
    "training": {
        "tokens_per_s": 400.0,
        "plain_tokens_per_s": 250.0,
        "ratio": 1.6,
        "largest_loss_difference": 0.004,
        "task": "rte",
        "rank": 8,
        "rows": 150,
        "steps": 20,
        "tokens_per_row": 70.1,
        "first_loss": 2.5,
        "last_loss": 0.6,
    },
    "bank_scaling": {
        "22": dict.fromkeys(
            ("start_s", "p50_ms", "first_p50_ms", "peak_rss_mb", "adapters_per_question", "adapters_read"), 1.0
        ),
        "p50_ratio": 1.0,
        "start_ratio": 1.1,
        "first_ratio": 1.5,
        "peak_rss_plus_mb": 12.0,
    },
    "index_scaling": {
        "10000": dict.fromkeys(("build_s", "rows_per_s", "open_s", "p50_ms", "recall_at_100", "megabytes"), 0.5)
    },
    "memory": {"peak_rss_mb": 1234.5, "questions": 40},
    "gpu": {
        "device": "cpu",
        "parity": {"largest_difference": 1e-6, "same_choice": "3 of 3"},
        "merge": MERGES,
        "compare": COMPARE,
        "limits": {"gigabytes_per_s": 3000.0, "pass_gb": 6.0, "pass_ms": 2.0, "merge_gb": 3.0, "merge_ms": 1.0},
    },
}


def test_the_page_has_every_measurement_with_what_it_compares_and_every_aim():
    text = page(RESULTS)
    for name in MEASUREMENTS:
        assert f"## {name}\n" in text
    assert "| **four together** | 2.00 (1.90-2.10) | 9.00 | 50.00 (49.00-51.00) | 25.00 (24.00-26.00) | 5.50 |" in text
    assert text.count("| `core_ties` | 62.00 (61.00-63.00) | 12.40 |") == 1
    assert "| `merge.all.ratio` | 25.00 | at least 20 | yes |" in text
    assert "| `merge_7b_shape.memory.peak_to_merged` | 2.50 | at most 2 | **no** |" in text
    assert "| `index_scaling.10000.recall_at_100` | 0.5 | at least 0.99 | **no** |" in text
    assert "| `compare.bare.ratio` | 1.25 | at most 1.35 | yes |" in text
    assert "| PEFT, options batched | 2.00 (1.90-2.10) | 50.00 (49.00-51.00) | 19.00 (24.00-26.00) |" in text
    assert "With an empty cache **40.0 s**, later **8.0 s**" in text
    assert "| `start.peak_rss_mb` | 2,300 | at most 2200 | **no** |" in text
    assert "| 400 | 250 | 1.60 |" in text and "two losses: 0.4 %" in text
    assert "| **ours, merges and scores** | 2.00 (1.90-2.10) | 1.25 (1.20-1.30) |" in text
    assert "| ours, four merges | 3.00 | 1.00 | 2.00 | 2.00 |" in text
    assert "index_scaling.200000" not in text, "an aim that was not measured is not claimed"


def test_writing_the_page_anew_keeps_the_section_of_the_visitors(tmp_path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "docs" / "benchmarks.md"
    monkeypatch.setitem(report.PAGES, "cpu", path)
    visitors = f"{START}\n32 visitors\n{END}"
    assert report.write(RESULTS, "cpu").read_text(encoding="utf-8") == page(RESULTS)
    path.write_text(f"# Old figures\n\n{visitors}\n", encoding="utf-8")
    report.write(RESULTS, "cpu")
    assert path.read_text(encoding="utf-8") == f"{page(RESULTS).rstrip()}\n\n{visitors}\n"


def test_a_part_of_the_measurements_makes_a_page_too():
    text = page({"machine": RESULTS["machine"], "compare": COMPARE})
    assert "## compare" in text and "## merge\n" not in text


def test_a_gpus_page_says_which_and_what_was_measured_there_though_a_part_broke():
    machine = {**RESULTS["machine"], "device": "cuda", "gpu": "A GPU"}
    gpu = {name: value for name, value in RESULTS["gpu"].items() if name != "merge"}
    text = page({"machine": machine, "gpu": {**gpu, "failed": {"merge": "out of memory"}}})
    assert text.startswith("# Benchmarks on a GPU") and "2 cores, A GPU, 2 torch threads" in text
    assert "ours, the pass that scores | 6.00" in text and "ours, four merges | 3.00" not in text


def test_results_survive_json():
    assert page(json.loads(json.dumps(RESULTS))) == page(RESULTS)


def test_an_aim_tells_reached_from_missed_from_not_measured():
    by_path = {bar.path: bar for bar in BARS}
    ratio, rss = by_path["merge.all.ratio"], by_path["memory.peak_rss_mb"]
    assert [ratio.met({"merge": {"all": {"ratio": value}}}) for value in (20, 19.9)] == [True, False]
    assert [rss.met({"memory": {"peak_rss_mb": value}}) for value in (2_200, 2_201)] == [True, False]
    assert ratio.met({}) is None and at({"merge": 3}, "merge.all") is None


def test_a_cpu_and_a_gpu_have_measurements_of_their_own():
    assert "gpu" not in chosen(None, "cpu") and chosen(None, "cuda") == ("compare", "merge", "training", "gpu")
    assert chosen(("gpu", "merge"), "cpu") == ("gpu", "merge")
    with pytest.raises(SettingsError, match="Did you mean 'compare'"):
        chosen(("compair",), "cpu")
