"""Loading: frozen, offline, and one sentence for everything that is missing or damaged."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from composer.errors import BankError, ComposerError, InferenceError
from composer.inference.base import load_base


@pytest.fixture
def copied(tiny_folder, tmp_path):
    return shutil.copytree(tiny_folder, tmp_path / "base")


def test_a_loaded_model_is_frozen_and_knows_its_modules(tiny):
    assert not tiny.model.training
    assert not any(weight.requires_grad for weight in tiny.model.parameters())
    assert tiny.module_shapes["model.layers.3.mlp.down_proj"] == (64, 96)
    assert tiny.module_shapes["model.layers.0.self_attn.k_proj"] == (32, 64)
    assert (tiny.dtype, tiny.max_tokens, tiny.device.type) == (torch.float32, 128, "cpu")


def test_nf4_knows_the_same_modules(tiny, tiny_nf4):
    assert tiny_nf4.module_shapes == tiny.module_shapes
    assert type(tiny_nf4.model.get_submodule("model.layers.0.self_attn.q_proj")).__name__ == "Linear4bit"


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_is_named(copied, missing):
    (copied / missing).unlink()
    with pytest.raises(BankError, match="config.json|tokenizer.json|safetensors"):
        load_base(copied, device="cpu")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(BankError, match="does not exist"):
        load_base(tmp_path / "nowhere", device="cpu")
    with pytest.raises(BankError, match="does not exist"):
        load_base("./nowhere", device="cpu")


def test_truncated_weights_are_refused(copied):
    weights = copied / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(BankError, match="weights in .* could not be read"):
        load_base(copied, device="cpu")


def test_a_damaged_tokenizer_is_refused(copied):
    (copied / "tokenizer.json").write_text('{"version": "1.0"', encoding="utf-8")
    with pytest.raises(BankError, match="tokenizer in .* could not be read"):
        load_base(copied, device="cpu")


def test_a_missing_tensor_is_not_filled_with_random_numbers(copied):
    weights = load_file(copied / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, copied / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BankError, match="up_proj"):
        load_base(copied, device="cpu")


def test_weights_that_are_not_finite_are_refused(copied):
    weights = load_file(copied / "model.safetensors")
    weights["model.layers.1.mlp.up_proj.weight"][0, 0] = float("nan")
    save_file(weights, copied / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BankError, match="up_proj.*not finite"):
        load_base(copied, device="cpu")


def test_an_unknown_architecture_is_refused_and_its_code_not_run(copied):
    config = json.loads((copied / "config.json").read_text(encoding="utf-8"))
    config |= {"model_type": "mystery", "auto_map": {"AutoModelForCausalLM": "evil.Model", "AutoConfig": "evil.Config"}}
    (copied / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (copied / "evil.py").write_text(f"open({str(copied / 'ran')!r}, 'w')", encoding="utf-8")
    with pytest.raises(BankError):
        load_base(copied, device="cpu")
    assert not (copied / "ran").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_said(tiny_folder):
    with pytest.raises(InferenceError, match="no GPU"):
        load_base(tiny_folder, device="cuda")


@pytest.mark.parametrize("wrong", [{"quantization": "nf5"}, {"device": "gpu"}])
def test_an_unknown_setting_is_refused(tiny_folder, wrong):
    with pytest.raises(ComposerError, match="unknown"):
        load_base(tiny_folder, **wrong)
