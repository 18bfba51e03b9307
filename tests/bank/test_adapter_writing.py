from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
import torch
from bank_files import SHAPES, write_raw_adapter
from peft import PeftModel
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM

from composer.bank.reading import read_adapter
from composer.bank.writing import write_adapter
from composer.errors import AdapterError
from composer.merging.factors import MergedAdapter, Stack

TOKENS = torch.tensor([[1, 5, 9, 2, 7]])


def tiny_model() -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=32,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_key_value_heads=1,
    )
    return LlamaForCausalLM(config).eval()


def random_stack(modules: list[str], rank: int, out: int, width: int) -> Stack:
    generator = torch.Generator().manual_seed(rank)
    a = torch.randn(len(modules), rank, width, generator=generator)
    return Stack(tuple(modules), a, torch.randn(len(modules), out, rank, generator=generator) * 0.3)


def merged() -> MergedAdapter:
    """Ranks differ between stacks, and one layer's v_proj is not touched at all."""
    q = random_stack([f"model.layers.{layer}.self_attn.q_proj" for layer in range(3)], 4, 16, 16)
    v = random_stack([f"model.layers.{layer}.self_attn.v_proj" for layer in (0, 2)], 7, 8, 16)
    down = random_stack(["model.layers.1.mlp.down_proj"], 2, 16, 24)
    return MergedAdapter("cat", (("piqa", 1.0),), (q, v, down))


@torch.no_grad()
def test_a_merge_gives_equal_logits_through_peft(tmp_path: Path):
    by_hand = tiny_model()
    plain = by_hand(TOKENS).logits
    for stack in merged().stacks:
        for module, a, b in zip(stack.modules, stack.a, stack.b, strict=True):
            by_hand.get_submodule(module).weight += b @ a
    write_adapter(tmp_path, merged(), base_model_name="tiny")
    loaded = PeftModel.from_pretrained(tiny_model(), str(tmp_path)).eval()
    assert (loaded(TOKENS).logits - by_hand(TOKENS).logits).abs().max() < 1e-5
    assert (plain - by_hand(TOKENS).logits).abs().max() > 1e-2


def test_smaller_ranks_are_padded_with_zeros(tmp_path: Path):
    write_adapter(tmp_path, merged(), base_model_name="tiny")
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["base_model_name_or_path"]) == (7, 7, "tiny")
    tensors = load_file(tmp_path / "adapter_model.safetensors")
    a = tensors["base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight"]
    assert a.shape == (7, 16)
    assert torch.equal(a[:4], merged().stacks[0].a[1])
    assert not a[4:].any()
    assert "base_model.model.model.layers.1.self_attn.v_proj.lora_A.weight" not in tensors


def test_what_was_written_is_read_back(tmp_path: Path):
    write_adapter(tmp_path, merged(), base_model_name="tiny")
    again = read_adapter(tmp_path, name="merged")
    updates = {m: b @ a for s in again.stacks for m, a, b in zip(s.modules, s.a, s.b, strict=True)}
    assert again.scaling == 1
    for stack in merged().stacks:
        for module, a, b in zip(stack.modules, stack.a, stack.b, strict=True):
            assert (updates[module] - b @ a).abs().max() < 1e-5


def test_an_adapter_keeps_its_scaling(tmp_path: Path):
    adapter = read_adapter(write_raw_adapter(tmp_path / "in", lora_alpha=3), name="piqa", base_shapes=SHAPES)
    again = read_adapter(write_adapter(tmp_path / "out", adapter, base_model_name="tiny"), name="piqa")
    assert again.scaling == adapter.scaling == 0.75
    assert all(
        torch.equal(x.a, y.a) and torch.equal(x.b, y.b) for x, y in zip(adapter.stacks, again.stacks, strict=True)
    )


def test_half_precision_is_half_the_size(tmp_path: Path):
    full = write_adapter(tmp_path / "full", merged(), base_model_name="tiny")
    half = write_adapter(tmp_path / "half", merged(), base_model_name="tiny", dtype=torch.float16)
    sizes = [sum(t.nbytes for t in load_file(folder / "adapter_model.safetensors").values()) for folder in (full, half)]
    assert sizes[0] == 2 * sizes[1]
    assert read_adapter(half, name="half").stacks[0].a.dtype == torch.float32


def with_stack(stack: Stack) -> MergedAdapter:
    return MergedAdapter("linear", (), (stack,))


def test_what_no_reader_could_use_is_not_written(tmp_path: Path):
    module = ["model.layers.0.self_attn.q_proj"]
    nan = Stack(tuple(module), torch.full((1, 2, 16), float("nan")), torch.ones(1, 16, 2))
    large = Stack(tuple(module), torch.full((1, 2, 16), 1e6), torch.ones(1, 16, 2))
    for adapter, dtype, words in (
        (with_stack(nan), torch.float32, "not finite"),
        (with_stack(large), torch.float16, "not finite in torch.float16"),
        (with_stack(random_stack(module, 513, 16, 16)), torch.float32, "rank 513"),
        (MergedAdapter("linear", (), ()), torch.float32, "no factors"),
        (merged(), torch.int8, "not torch.int8"),
    ):
        with pytest.raises(AdapterError, match=words):
            write_adapter(tmp_path / "out", adapter, base_model_name="tiny", dtype=dtype)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC, errno.EACCES])
def test_a_folder_that_takes_no_files_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int):
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(AdapterError, match=os.strerror(number)):
        write_adapter(tmp_path, merged(), base_model_name="tiny")
