"""`train` puts an adapter into a bank, is killed and goes on, and refuses in one sentence."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_bank import table

from composer.bank.describe import write_bank_toml
from composer.bank.examples import write_examples
from composer.bank.manifest import load_bank
from composer.bank.reading import read_adapter
from composer.inference.base import load_base
from composer.merging import merge
from tests.training.small import examples_of, rows_of, save_base

ROOT = Path(__file__).resolve().parents[2]
QUICK = (
    "--rank", "2", "--alpha", "4", "--batch-size", "4", "--accumulation", "2", "--warmup-steps", "2",
    "--max-tokens", "128", "--learning-rate", "0.01", "--epochs", "3",
    "--least-steps", "0", "--device", "cpu",
)  # fmt: skip
KILLED = """
import os, signal, sys, torch
from transformers import Trainer
torch.cpu._is_avx512_bf16_supported = lambda: False  # as in the tests' own process
steps, true_step = [], Trainer.training_step

def dies(self, *args, **kwargs):
    steps.append(1)
    if len(steps) == int(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
    return true_step(self, *args, **kwargs)

Trainer.training_step = dies
from composer.cli import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture(scope="module")
def trainable_bank(small_bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small base with examples of two tasks and one adapter, that of cb. Read it only: see `bank`."""
    folder = tmp_path_factory.mktemp("banks") / "tiny"
    save_base(folder / "base")
    write_examples(folder / "examples.parquet", table(examples_of("cb", 30) + examples_of("sst2", 40), None))
    shutil.copytree(small_bank / "adapters" / "cb", folder / "adapters" / "cb")  # for another base: never loaded here
    write_bank_toml(
        folder, title="Tiny", description="", prompt_template="{prompt}\nAnswer:", encoder_sha256="0" * 64,
        adapters={"cb": "adapters/cb"},
    )  # fmt: skip
    text = (folder / "bank.toml").read_text()
    (folder / "bank.toml").write_text("# Made for a test.\n" + text + "# The end.\n")
    return folder


@pytest.fixture
def bank(trainable_bank: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trainable_bank, tmp_path / "tiny"))


@pytest.fixture
def cli(cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COMPOSER_CACHE", str(tmp_path / "cache"))
    return cli


def folder_of_rows(folder: Path, task: str, count: int) -> Path:
    (folder / task).mkdir(parents=True)
    lines = [json.dumps(row) for row in rows_of(task, count)]
    (folder / task / "train.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def test_an_adapter_goes_into_the_bank_and_changes_answers(cli, bank: Path):
    before = (bank / "bank.toml").read_text()
    ended = cli("train", "--bank", bank, "--task", "sst2", "--json", *QUICK)
    assert ended.status == 0, ended.err
    (result,) = json.loads(ended.out)["adapters"]
    assert (result["task"], result["rows"], result["steps"]) == ("sst2", 40, 15)
    assert result["loss"] < result["first_loss"]
    assert "sst2 (1 of 1): step 15 of 15, loss" in ended.err and "rows: 120 of 120" in ended.err

    changed = load_bank(bank, ready=False)  # verifies what it names
    assert changed.tasks == ("cb", "sst2")
    after = (bank / "bank.toml").read_text()
    assert after.startswith("# Made for a test.\n") and "# The end.\n" in after
    assert [line for line in before.splitlines() if line not in after.splitlines()] == []
    folder = changed.adapter("sst2").path
    assert folder == bank / "adapters" / "sst2"
    assert not (bank / ".training").exists()

    loaded = load_base(changed.base.path, device="cpu")
    factors = read_adapter(folder, name="sst2", base_shapes=loaded.module_shapes)
    merged = merge("cat", [factors], (("sst2", 1.0),))
    assert max(float((stack.b @ stack.a).abs().max()) for stack in merged.stacks) > 1e-3

    card = (folder / "README.md").read_text()
    for words in (
        "# SST-2",
        "tiny/base",
        "| rows | 40 (the bank's own examples)",
        "| learning_rate | 0.01 |",
        "loss.svg",
    ):
        assert words in card
    assert str(bank.parent) not in card + (folder / "training.json").read_text()
    assert (folder / "loss.svg").read_text().startswith("<svg")


def test_a_killed_command_goes_on_to_the_same_weights(cli, bank: Path, tmp_path: Path):
    whole = cli("train", "--bank", bank, "--task", "sst2", "--output", tmp_path / "whole", *QUICK)
    assert whole.status == 0, whole.err
    command = ["train", "--bank", str(bank), "--task", "sst2", "--output", str(tmp_path / "killed"), *QUICK]
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, "19", *command], cwd=ROOT, env=environment, capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert list((tmp_path / "cache").rglob("checkpoint-*"))
    assert not (tmp_path / "killed" / "sst2").exists()
    ended = cli(*command)
    assert ended.status == 0, ended.err
    assert "step 9 of 15" in ended.err  # where it went on
    first, second = (load_file(tmp_path / name / "sst2" / "adapter_model.safetensors") for name in ("whole", "killed"))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not list((tmp_path / "cache").rglob("checkpoint-*"))
    assert "sst2" not in load_bank(bank, ready=False).tasks


def test_force_replaces_an_adapter_and_leaves_the_bank_whole(cli, bank: Path):
    first = load_bank(bank).adapter("cb")
    assert cli("train", "--bank", bank, "--task", "cb", "--force", *QUICK, "--epochs", "1").status == 0
    second = load_bank(bank).adapter("cb")
    assert second.sha256 != first.sha256
    assert first.path and second.path and not first.path.exists()
    assert second.path.parent == bank / "adapters"
    again = cli("train", "--bank", bank, "--task", "cb", "--force", *QUICK, "--epochs", "1")
    assert "is there already, of the very same run" in again.err
    anew = cli("train", "--bank", bank, "--task", "cb", "--force", "--no-resume", *QUICK, "--epochs", "1")
    assert "step 4 of 4" in anew.err
    assert load_bank(bank).adapter("cb").sha256 == second.sha256  # equal runs, equal weights


def test_all_means_the_tasks_of_the_source_without_an_adapter(cli, bank: Path, tmp_path: Path):
    rows = folder_of_rows(tmp_path / "rows", "wic", 12)
    folder_of_rows(rows, "cb", 12)
    with (rows / "wic" / "train.jsonl").open("a") as file:
        file.write('{"sentence1": "no label"}\n')
    ended = cli("train", "--bank", bank, "--task", "all", "--source", rows, *QUICK, "--limit", "9", "--json")
    (result,) = json.loads(ended.out)["adapters"]
    assert (result["task"], result["rows"]) == ("wic", 9)
    assert load_bank(bank).tasks == ("cb", "wic")


def test_a_declared_adapter_is_filled_in_where_it_was_declared(cli, bank: Path):
    with (bank / "bank.toml").open("a") as file:
        file.write('\n[adapters.sst2]\npath = "mine/sentiment"  # here\ntrain = true\nsha256 = {}\n')
    assert load_bank(bank, ready=False).untrained == ("sst2",)
    assert cli("train", "--bank", bank, "--task", "all", *QUICK, "--epochs", "0.2").status == 0
    assert load_bank(bank).adapter("sst2").path == bank / "mine" / "sentiment"
    assert 'path = "mine/sentiment"' in (bank / "bank.toml").read_text()


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--task", "sts2"), "unknown task 'sts2'. Did you mean 'sst2'"),
        (("--task", "wic"), "no rows of wic"),
        (("--task", "imdb"), "held out"),
        (("--task", "cb"), "has an adapter of cb already. Give --force"),
        (("--task", ","), "no task was named"),
        (("--task", "sst2", "--source", "nowhere"), "no folder 'nowhere'"),
        (("--task", "sst2", "--source", "bank", "--source", "hub"), "stands alone"),
        (("--task", "sst2", "--rank", "0"), "rank is 0"),
        (("--task", "sst2", "--recipe", "papers"), "Did you mean 'paper'"),
        (("--task", "sst2", "--recipe", "paper", "--epochs", "nan"), "number of epochs is nan"),
        (("--task", "sst2", "--max-tokens", "1024"), "1024 tokens are asked for, and the base reads 128"),
        (("--task", "sst2", "--report-to", "wanbd"), "Did you mean 'wandb'"),
        (("--task", "sst2", "--device", "gpu"), "unknown device 'gpu'"),
        (("--task", "sst2", "--bank", "nowhere/at/all"), "no bank.toml"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence(cli, refused, bank: Path, argv: tuple[str, ...], words: str):
    argv = argv if "--bank" in argv else ("--bank", str(bank), *argv)
    before = sorted(path for path in bank.rglob("*"))
    refused(cli("train", *argv), words)
    assert sorted(path for path in bank.rglob("*")) == before


def test_an_empty_source_and_an_output_in_the_way_are_refused(cli, refused, bank: Path, tmp_path: Path):
    empty = tmp_path / "rows"
    (empty / "sst2").mkdir(parents=True)
    (empty / "sst2" / "train.jsonl").write_text("\n")
    refused(cli("train", "--bank", bank, "--task", "sst2", "--source", empty), "no usable row of sst2")
    (tmp_path / "file").write_text("")
    refused(cli("train", "--bank", bank, "--task", "sst2", "--output", tmp_path / "file"), "nothing can be written")
    refused(
        cli("train", "--bank", bank, "--task", "sst2", "--output", tmp_path / "file" / "x"), "nothing can be written"
    )
    (tmp_path / "out" / "sst2").mkdir(parents=True)
    refused(cli("train", "--bank", bank, "--task", "sst2", "--output", tmp_path / "out"), "--force")
    refused(cli("train", "--bank", bank, "--task", "sst2", "--output", tmp_path / "out", "--force"), "is no adapter")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_bank_that_cannot_be_written_is_refused(cli, refused, bank: Path):
    bank.chmod(0o555)
    try:
        refused(cli("train", "--bank", bank, "--task", "sst2"), "nothing can be written to the bank's folder")
    finally:
        bank.chmod(0o755)
