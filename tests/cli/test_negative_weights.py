"""Weights below zero wherever a person gives them: from Python, from the command line, and in the page's zip."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load, load_file
from torch import Tensor
from transformers import AutoModelForCausalLM

from composer.config import Settings
from composer.merging import METHODS
from composer.pipeline import Composer
from composer.types import Query, TaskWeights
from composer.ui.adapter_zip import adapter_zip
from composer.ui.inputs import Inputs
from composer.ui.running import Run

WEIGHTS = (("cb", 0.7), ("copa", -0.3))
WITH_PEFT = ("linear", "cat", "ties", "magnitude_prune", "svd")
DENSITY = 0.5
File = dict[str, Tensor]
"""As adapter_model.safetensors has it"""


def products(tensors: File) -> dict[str, Tensor]:
    return {
        name.partition(".lora_A")[0]: tensors[name.replace("lora_A", "lora_B")] @ a
        for name, a in tensors.items()
        if "lora_A" in name
    }


@pytest.fixture(scope="module")
def peft(small_bank: Path) -> PeftModel:
    base = AutoModelForCausalLM.from_pretrained(small_bank / "base", dtype=torch.float32)
    model = PeftModel.from_pretrained(base, small_bank / "adapters" / "cb", adapter_name="cb")
    model.load_adapter(small_bank / "adapters" / "copa", adapter_name="copa")
    return model


def by_peft(model: PeftModel, method: str, folder: Path) -> dict[str, Tensor]:
    names, weights = zip(*WEIGHTS, strict=True)
    how = {"combination_type": method, "density": DENSITY, "majority_sign_method": "frequency"}
    model.add_weighted_adapter(list(names), list(weights), "merged", **how)
    try:
        model.save_pretrained(folder, selected_adapters=["merged"])
    finally:
        model.delete_adapter("merged")
    return products(load_file(folder / "merged" / "adapter_model.safetensors"))


def by_command(cli, bank: Path, method: str, folder: Path) -> File:
    given = [part for task, weight in WEIGHTS for part in ("--weight", f"{task}={weight}")]
    ended = cli("merge", "--bank", bank, *given, "--method", method, "--density", str(DENSITY), "--output", folder)
    assert ended.status == 0, ended.err
    return load_file(folder / "adapter_model.safetensors")


@pytest.mark.parametrize("method", WITH_PEFT)
def test_the_command_writes_what_peft_makes_of_a_negative_weight(peft, cli, small_bank, tmp_path, method: str):
    ours = products(by_command(cli, small_bank, method, tmp_path / "ours"))
    theirs = by_peft(peft, method, tmp_path / "theirs")
    assert ours.keys() == theirs.keys()
    assert all(torch.allclose(ours[module], product, atol=1e-5) for module, product in theirs.items())


@pytest.mark.parametrize("method", METHODS)
def test_the_pages_zip_holds_the_merge_that_the_command_writes(
    composer: Composer, cli, tiny_bank: Path, tmp_path: Path, method: str
):
    """Strategies may choose weights below zero, and the page saves what the run shows."""
    found = next(composer.run(Query("Is it?", ("yes", "no"))))
    trace = replace(found, weights=TaskWeights(WEIGHTS, (), 0.9, "inverse"))
    form = Inputs("Is it?", "yes\nno", "", 0.9, 100, "inverse", DENSITY, "frequency", "tokens", (method,), False)
    with zipfile.ZipFile(io.BytesIO(adapter_zip(composer.bank, Run(form, trace), method))) as archive:
        saved = load(archive.read(f"{method}-adapter/adapter_model.safetensors"))
    written = by_command(cli, tiny_bank, method, tmp_path / "written")
    assert saved.keys() == written.keys()
    assert all(torch.equal(tensor, written[name]) for name, tensor in saved.items())


@pytest.mark.parametrize("method", METHODS)
def test_from_python_a_negative_weight_is_merged_scored_and_measured(composer: Composer, method: str):
    settings = Settings()
    merged = composer.merge(WEIGHTS, settings, method)
    assert merged.weights == WEIGHTS
    (answer,) = composer.score(Query("Is it?", ("yes", "no")), [merged], settings, base_too=False)
    assert answer.method == method and len(answer.scores) == 2  # type: ignore[union-attr]
    (measured,) = composer.contributions(WEIGHTS, [merged])
    assert (dict(measured.effective)["copa"] < 0) == (method != "average"), "its own part goes by the weight squared"
