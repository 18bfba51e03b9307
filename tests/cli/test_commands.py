from __future__ import annotations

import json
from pathlib import Path

import pytest

import composer.cli.serving
from composer.config import DEFAULT_BANK, DEFAULT_METHODS, AppSettings

QUESTION = ("--query", "Where can I buy a tennis ball?", "--option", "a sports store", "--option", "eine Bäckerei 🙂")


def test_predict_prints_the_trace_as_json_and_nothing_else(composer, cli):
    ended = cli("predict", *QUESTION, "--json", "--context", "Ann plays tennis.", "--top-p", "0.5", "--top-k", "40")
    trace = json.loads(ended.out)
    assert ended.status == 0
    assert trace["query"] == QUESTION[1]
    assert trace["options"] == ["a sports store", "eine Bäckerei 🙂"]
    assert trace["context"] == "Ann plays tennis."
    assert len(trace["neighbours"]) == 40
    assert trace["weights"]["top_p"] == 0.5
    assert sum(trace["weights"]["kept"].values()) == pytest.approx(1.0)
    assert list(trace["predictions"]) == ["base", *DEFAULT_METHODS]
    for answer in trace["predictions"].values():
        assert answer["chosen"] in trace["options"]
        assert len(answer["probabilities"]) == len(answer["log_probabilities"]) == 2
    assert set(trace["contributions"]) == set(DEFAULT_METHODS)
    assert trace["timings_ms"]


def test_predict_takes_every_setting(composer, cli):
    chosen = ("--method", "ties, cat", "--kernel", "exp", "--density", "0.4", "--majority-sign", "total")
    trace = json.loads(cli("predict", *QUESTION, "--json", *chosen, "--normalization", "sum").out)
    assert list(trace["predictions"]) == ["base", "ties", "cat"]
    assert trace["weights"]["kernel"] == "exp"
    for answer in trace["predictions"].values():
        assert answer["scores"] == answer["log_probabilities"]


def test_predict_scores_by_pmi(composer, cli):
    trace = json.loads(cli("predict", *QUESTION, "--json", "--normalization", "pmi").out)
    for answer in trace["predictions"].values():
        assert answer["scores"] == [
            given - alone for given, alone in zip(answer["log_probabilities"], answer["unconditional"], strict=True)
        ]


def test_predict_shows_a_table_by_default(composer, cli):
    ended = cli("predict", *QUESTION, "--method", "cat")
    assert ended.status == 0
    for words in ("Task weights (top-p 0.9, kernel inverse)", "eine Bäckerei 🙂", "base", "cat", "Nearest of 100"):
        assert words in ended.out
    assert ended.out.count("%*") == 2


def test_evaluate_prints_and_writes_the_same_json(composer, cli, tmp_path: Path):
    chosen = ("--tasks", "copa,imdb", "--candidates", "base,own,ties", "--asked", "typed,hinted", "--limit", "2")
    ended = cli("evaluate", *chosen, "--json", "--output", tmp_path / "results.json")
    result = json.loads(ended.out)
    assert ended.status == 0
    assert {task: list(found["columns"]) for task, found in result["tasks"].items()} == {
        "copa": ["base", "own", "ties, typed", "ties, hinted"],
        "imdb": ["base", "ties, typed", "ties, hinted"],
    }
    assert result["tasks"]["copa"]["n"] == 2
    assert set(result["mean"]) == {"base", "own", "ties, typed", "ties, hinted"}
    assert json.loads((tmp_path / "results.json").read_text()) == result
    assert "Evaluating, rows: 4 of 4" in ended.err


def test_evaluate_takes_adapters_away_and_counts_by_what_the_question_adds(composer, cli):
    chosen = ("--tasks", "copa", "--candidates", "base,cat,soup", "--limit", "1", "--json")
    result = json.loads(cli("evaluate", *chosen, "--setting", "seen,unseen", "--pmi").out)
    assert result["columns"] == ["base", "soup", "cat, typed", "soup, unseen", "cat, typed, unseen"]
    assert list(result["tasks"]["copa"]["routed"]) == ["typed", "typed, unseen"]
    assert "pmi" in result["mean_by_normalization"]
    refused = cli("evaluate", *chosen, "--setting", "unsen")
    assert "unknown setting 'unsen'. Did you mean 'unseen'" in refused.err


def test_evaluate_shows_a_table_by_default(composer, cli):
    ended = cli("evaluate", "--tasks", "cb", "--candidates", "base", "--limit", "1")
    assert ended.out.splitlines()[0].split() == ["Accuracy,", "%", "(test,", "tokens)", "rows", "guess", "base"]
    assert "Own task found, %" in ended.out


def test_the_index_is_built_checked_and_built_anew(cli, small_bank: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("COMPOSER_CACHE", str(tmp_path))
    assert "no finished example index" in cli("index", "check", "--bank", small_bank).err
    built = cli("index", "build", "--bank", small_bank, "--json")
    manifest = Path(json.loads(built.out)["folder"], "manifest.json")
    assert built.status == 0
    assert json.loads(built.out)["tasks"] == {"cb": 6, "copa": 6}
    assert "Building the index, rows: 12 of 12" in built.err
    first = manifest.stat().st_mtime_ns
    assert cli("index", "build", "--bank", small_bank).status == 0
    assert manifest.stat().st_mtime_ns == first
    assert cli("index", "build", "--bank", small_bank, "--force").status == 0
    assert manifest.stat().st_mtime_ns != first
    checked = cli("index", "check", "--bank", small_bank, "--deep", "--json")
    assert (checked.status, json.loads(checked.out)) == (0, json.loads(built.out))


def test_a_bank_shows_what_it_holds(cli, small_bank: Path):
    shown = json.loads(cli("bank", "show", "--bank", small_bank, "--json").out)
    assert list(shown["adapters"]) == ["cb", "copa"]
    assert shown["retrieval"] == {"top_k": 100, "top_p": 0.9, "kernel": "inverse"}
    assert "cb, copa" in cli("bank", "show", "--bank", small_bank).out


def test_banks_are_listed(cli):
    assert DEFAULT_BANK in cli("bank", "list").out.split()
    assert DEFAULT_BANK in json.loads(cli("bank", "list", "--json").out)["banks"]


def test_the_environment_names_the_bank_unless_an_option_does(cli, small_bank: Path, monkeypatch):
    monkeypatch.setenv("COMPOSER_BANK", str(small_bank))
    assert json.loads(cli("bank", "show", "--json").out)["name"] == small_bank.name
    assert json.loads(cli("bank", "show", "--json", "--bank", DEFAULT_BANK).out)["name"] == DEFAULT_BANK


def test_serve_starts_the_page_with_the_settings_of_the_environment(cli, cache_dir: Path, monkeypatch):
    served = []
    monkeypatch.setattr(composer.cli.serving, "start", lambda settings, env: served.append(settings))
    monkeypatch.setenv("GRADIO_SERVER_PORT", "7999")
    assert cli("serve", "--bank", "mine").status == 0
    assert served == [AppSettings(bank="mine", port=7999, cache_dir=cache_dir)]


def test_serve_takes_the_index_of_the_options_before_that_of_the_environment(cli, refused, monkeypatch):
    served = []
    monkeypatch.setattr(composer.cli.serving, "start", lambda settings, env: served.append(settings))
    monkeypatch.setenv("COMPOSER_INDEX", "everyday")
    monkeypatch.setenv("COMPOSER_COLLECTION", "")
    url = "http://localhost:8000"
    for options in ((), ("--index", "mine"), ("--server", url, "--collection", "c")):
        assert cli("serve", *options).status == 0
    assert [(s.index, s.collection) for s in served] == [("everyday", None), ("mine", None), (url, "c")]
    refused(cli("serve", "--server", "localhost"), "it must be http:// or https://")
