"""Training of an adapter: the loss falls, the files are PEFT's, a killed run ends with the same weights."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, Trainer

from composer.bank.reading import read_adapter
from composer.errors import ComposerError
from composer.inference.prompts import prepare_tokenizer
from composer.microworld.rows import make_rows
from composer.tasks import TASKS
from composer.training.adapters import Site, train_adapter
from composer.training.base import BaseRecipe, train_base
from composer.training.recipe import EMBEDDED, PAPER

RECIPE = replace(EMBEDDED, rank=4, alpha=8, epochs=4, batch_size=8, warmup_steps=2, max_tokens=128, learning_rate=1e-2)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bank")
    recipe = BaseRecipe(
        hidden_size=32, layers=2, heads=2, intermediate_size=64, vocab_size=600, max_tokens=128, batch_tokens=256,
        stages=((4, 64, "all"),), cycles=(4,), warmup=2,
    )  # fmt: skip
    train_base(folder / "base", folder / "work", recipe, compiled=False)
    return folder / "base"


@pytest.fixture(scope="module")
def examples():
    return [TASKS["sst2"].example(row, str(number)) for number, row in enumerate(make_rows("sst2", "train", 64))]


def site(base: Path, folder: Path) -> Site:
    return Site(base, "{prompt}\nAnswer:", folder / "adapter", folder / "work", "a/base")


def tokenizer_of(base: Path):
    return prepare_tokenizer(AutoTokenizer.from_pretrained(base))


def test_the_loss_falls_and_the_adapter_can_be_read(base: Path, examples, tmp_path: Path) -> None:
    last = train_adapter(examples, site(base, tmp_path), RECIPE, tokenizer_of(base))
    with (tmp_path / "adapter" / "loss.csv").open() as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert last < losses[0] - 0.1
    factors = read_adapter(tmp_path / "adapter", name="sst2")
    assert factors.rank == 4 and factors.scaling == 2
    assert json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())["base_model_name_or_path"] == "a/base"
    assert not (tmp_path / "work").exists()


def test_a_killed_run_ends_with_the_same_weights(base: Path, examples, tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    whole = site(base, tmp_path / "whole")
    train_adapter(examples, whole, RECIPE, tokenizer_of(base))
    steps, true_step = [], Trainer.training_step

    def dies(self: Trainer, *args, **kwargs) -> torch.Tensor:
        steps.append(1)
        if len(steps) == 20:
            raise Killed
        return true_step(self, *args, **kwargs)

    killed = site(base, tmp_path / "killed")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Trainer, "training_step", dies)
        train_adapter(examples, killed, RECIPE, tokenizer_of(base))
    train_adapter(examples, killed, RECIPE, tokenizer_of(base))
    first, second = (load_file(s.output / "adapter_model.safetensors") for s in (whole, killed))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_examples_without_room_are_refused(base: Path, examples, tmp_path: Path) -> None:
    with pytest.raises(ComposerError, match="64 examples"):
        train_adapter(examples, site(base, tmp_path), replace(RECIPE, max_tokens=6), tokenizer_of(base))


def test_the_papers_recipe_is_what_the_paper_says() -> None:
    assert (PAPER.rank, PAPER.alpha, PAPER.dropout, PAPER.epochs) == (64, 32, 0.0, 3)
    assert (PAPER.batch_size, PAPER.accumulation, PAPER.learning_rate, PAPER.warmup_steps) == (4, 4, 5e-5, 100)
    assert PAPER.schedule == "cosine" and PAPER.max_grad_norm == 1.0
    assert len(PAPER.targets) == 7
