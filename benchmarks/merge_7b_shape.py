"""Merging at a real size: two layers of Llama-2-7b's shapes, four adapters of rank 64, and the memory it takes."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

from benchmarks.merge import compared
from benchmarks.peft_side import PeftSide
from benchmarks.plan import METHODS, SETTINGS, WEIGHTS, Plan
from benchmarks.processes import peak_mb, python, reset_peak, resident_mb
from composer.merging import AdapterFactors, Stack, TrimCache, merge
from composer.merging.cache import bytes_of

LAYERS, RANK, SCALING = 2, 64, 0.5
QUICK_RANK = 4
HIDDEN, INTERMEDIATE = 4096, 11008
KINDS = {
    "self_attn.q_proj": (HIDDEN, HIDDEN),
    "self_attn.k_proj": (HIDDEN, HIDDEN),
    "self_attn.v_proj": (HIDDEN, HIDDEN),
    "self_attn.o_proj": (HIDDEN, HIDDEN),
    "mlp.gate_proj": (INTERMEDIATE, HIDDEN),
    "mlp.up_proj": (INTERMEDIATE, HIDDEN),
    "mlp.down_proj": (HIDDEN, INTERMEDIATE),
}
"""Module to (out_features, in_features)."""
NAMES = ("first", "second", "third", "fourth")


def measure(plan: Plan) -> dict[str, object]:
    rank = QUICK_RANK if plan.quick else RANK
    adapters = random_adapters(rank)
    times = compared(_peft(adapters), adapters, plan, rounds=plan.rounds(5), label="merge_7b_shape")
    return {**times, "memory": python("benchmarks.merge_7b_shape", str(rank))}


def random_adapters(rank: int) -> list[AdapterFactors]:
    generator = torch.Generator().manual_seed(0)

    def stack(kind: str, out_features: int, in_features: int) -> Stack:
        return Stack(
            tuple(f"model.layers.{layer}.{kind}" for layer in range(LAYERS)),
            torch.randn(LAYERS, rank, in_features, generator=generator).mul_(0.02),
            torch.randn(LAYERS, out_features, rank, generator=generator).mul_(0.02),
        )

    return [AdapterFactors(n, n, SCALING, tuple(stack(k, *shape) for k, shape in KINDS.items())) for n in NAMES]


def _peft(adapters: Sequence[AdapterFactors]) -> PeftSide:
    config = LlamaConfig(
        hidden_size=HIDDEN,
        intermediate_size=INTERMEDIATE,
        num_hidden_layers=LAYERS,
        num_attention_heads=32,
        vocab_size=32,
    )
    with torch.device("meta"):
        base = LlamaForCausalLM(config)
    base = base.to_empty(device="cpu")  # merging never reads the base's weights, so they stay what they are
    kinds = [kind.rpartition(".")[2] for kind in KINDS]
    rank = adapters[0].rank
    lora = LoraConfig(r=rank, lora_alpha=int(SCALING * rank), target_modules=kinds)
    model = get_peft_model(base, lora, adapter_name=NAMES[0])
    for name in NAMES[1:]:
        model.add_adapter(name, lora)
    side = PeftSide.of_model(model)
    for adapter in adapters:
        factors = side.factors(adapter.name)
        for stack in adapter.stacks:
            for row, module in enumerate(stack.modules):
                factors[module][0].data = stack.a[row].clone()
                factors[module][1].data = stack.b[row].clone()
    return side


def memory(rank: int) -> dict[str, float]:
    """Megabytes beyond the adapters while all four merges are made and held, trimming included."""
    adapters = random_adapters(rank)
    choice = tuple(zip(NAMES, WEIGHTS, strict=True))
    merge("linear", [small(adapter) for adapter in adapters], choice)  # torch's own threads and buffers
    before, measured = resident_mb(), reset_peak()
    trimmed = TrimCache()
    merged = [merge(method, adapters, choice, SETTINGS.merge, trimmed) for method in METHODS]
    factors = sum(bytes_of(one.stacks) for one in merged) / 1e6
    extra = peak_mb() - before
    return {"merged_mb": round(factors, 1)} | (
        {"peak_extra_mb": round(extra, 1), "peak_to_merged": round(extra / factors, 2)} if measured else {}
    )


def small(adapter: AdapterFactors) -> AdapterFactors:
    stack = adapter.stacks[0]
    return AdapterFactors(adapter.name, "small", 1.0, (Stack(stack.modules, stack.a[:, :, :8], stack.b[:, :8]),))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(memory(int(sys.argv[1]))))
