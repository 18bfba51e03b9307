"""A bank's base model from the Hub: refused by its config alone, or fetched once and started without a network."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from fake_hub import BASE, COMMIT, Hub
from huggingface_hub import constants

from composer.bank.manifest import Bank, Source, load_bank
from composer.errors import BankError, InferenceError
from composer.inference.base import BaseModel
from composer.pipeline import _open_base

LLAMA_2_7B = {
    "model_type": "llama",
    "vocab_size": 32_000,
    "hidden_size": 4_096,
    "intermediate_size": 11_008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "max_position_embeddings": 4_096,
}


@pytest.fixture
def bank(small_bank: Path) -> Bank:
    """A bank with a base that lies on the Hub."""
    return replace(load_bank(small_bank, verify=False), base=Source(None, BASE, COMMIT, ()))


def opened(bank: Bank, cache_dir: Path, device: str = "cpu") -> BaseModel:
    return _open_base(bank, cache_dir, device, bank.quantization, None)


def test_a_base_that_cannot_run_here_is_refused_before_its_weights_are_fetched(
    bank: Bank, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    hub.models[BASE]["config.json"] = json.dumps(LLAMA_2_7B).encode()
    with pytest.raises(InferenceError, match="6.7 billion parameters in nf4 needs a GPU"):
        opened(replace(bank, quantization="nf4"), tmp_path, "auto")
    assert any("config.json" in request for request in hub.requests)
    assert not any(".safetensors" in request for request in hub.requests)


def test_a_base_is_fetched_loaded_and_loaded_again_without_a_network(
    bank: Bank, small_bank: Path, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shipped = load_bank(small_bank, verify=False).base
    assert shipped.path is not None
    hub.models[BASE] = {name: (shipped.path / name).read_bytes() for name, _ in shipped.sha256}
    first = opened(bank, tmp_path)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    asked = len(hub.requests)
    again = opened(bank, tmp_path)
    assert len(hub.requests) == asked
    weights = [model.model.state_dict()["model.norm.weight"] for model in (first, again)]
    assert torch.equal(*weights)


def test_a_gated_base_is_refused_in_one_sentence(bank: Bank, hub: Hub, tmp_path: Path):
    hub.gated.add(BASE)
    with pytest.raises(BankError, match="is gated and no token is set.*hf auth login"):
        opened(bank, tmp_path)


def test_a_base_in_a_folder_asks_no_hub(small_bank: Path, hub: Hub, tmp_path: Path):
    small = load_bank(small_bank, verify=False)
    assert opened(small, tmp_path).name == str(small.base.path)
    assert hub.requests == []
