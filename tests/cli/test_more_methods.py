"""The methods beyond the four defaults, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file

from composer.merging import METHODS

ASK = ("predict", "--query", "Where can I buy a tennis ball?", "--option", "a sports store", "--option", "a bakery")
WEIGHTS = ("--weight", "cb=0.7", "--weight", "copa=0.3")


def merged(cli, bank: Path, output: Path, *given: str) -> tuple[dict, dict]:
    ended = cli("merge", "--bank", bank, *WEIGHTS, *given, "--output", output, "--json")
    assert ended.status == 0, ended.err
    return json.loads(ended.out), load_file(output / "adapter_model.safetensors")


def equal(one: dict, other: dict) -> bool:
    assert one.keys() == other.keys()
    return all(one[name].equal(other[name]) for name in one)


def test_predict_answers_with_the_methods_named(composer, cli):
    trace = json.loads(cli(*ASK, "--json", "--method", "svd,dare_ties", "--svd-rank", "4", "--seed", "7").out)
    assert list(trace["predictions"]) == ["base", "svd", "dare_ties"]
    assert set(trace["contributions"]) == {"svd", "dare_ties"}


def test_svd_is_written_at_the_rank_asked_for(cli, small_bank: Path, tmp_path: Path):
    result, _ = merged(cli, small_bank, tmp_path / "three", "--method", "svd", "--svd-rank", "3")
    assert (result["method"], result["rank"]) == ("svd", 3)
    assert json.loads((tmp_path / "three" / "adapter_config.json").read_text())["r"] == 3


def test_a_seed_makes_a_dare_merge_repeatable(cli, small_bank: Path, tmp_path: Path):
    given = ("--method", "dare_linear", "--density", "0.5")
    first, again, other = (
        merged(cli, small_bank, tmp_path / folder, *given, "--seed", seed)[1]
        for folder, seed in (("first", "1"), ("again", "1"), ("other", "2"))
    )
    assert equal(first, again)
    assert not equal(first, other)


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--svd-rank", "0", "svd-rank is 0; it must be a whole number from 1 to 512"),
        ("--svd-rank", "513", "svd-rank is 513; it must be"),
        ("--seed", "-1", "seed is -1; it must be a whole number from 0 to"),
        ("--seed", str(2**63), "seed is 9223372036854775808; it must be"),
    ],
)
def test_a_rank_or_seed_out_of_range_is_one_sentence(cli, small_bank: Path, tmp_path: Path, option, value, words):
    for command in (ASK, ("merge", *WEIGHTS, "--method", "svd", "--output", tmp_path / "out")):
        ended = cli(*command, "--bank", small_bank, f"{option}={value}")
        assert (ended.status, ended.out) == (1, "")
        assert words in ended.err and len(ended.err.splitlines()) == 1


@pytest.mark.parametrize("command", ["predict", "merge"])
def test_the_help_names_every_method(cli, command: str):
    help_text = " ".join(cli(command, "--help").out.split())
    assert all(name in help_text for name in METHODS)
