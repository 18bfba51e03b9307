"""PEFT as the oracle: a tiny Llama with a pool of adapters of every kind that merging has to cope with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraLayer
from peft.utils import merge_utils
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from composer.config import MergeSettings
from composer.merging import AdapterFactors, MergedAdapter, Stack

PROJECTIONS = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
BOTTOM = {f"model.layers.0.self_attn.{kind}" for kind in ("q_proj", "k_proj")} | {"model.layers.0.mlp.down_proj"}


@dataclass(frozen=True)
class Recipe:
    rank: int = 4
    alpha: int = 8
    targets: frozenset[str] = frozenset(PROJECTIONS)
    grid: float | None = None
    """Values are rounded to multiples of it, so that many magnitudes and votes are equal."""


RECIPES = {
    "one": Recipe(),
    "two": Recipe(alpha=3),
    "three": Recipe(alpha=4),
    "coarse": Recipe(alpha=16, grid=0.25),
    "coarser": Recipe(grid=0.5),
    "coarsest": Recipe(grid=1.0),
    "attention": Recipe(targets=frozenset({"q_proj", "v_proj"})),
    "bottom": Recipe(alpha=6, targets=frozenset(BOTTOM)),
    "thin": Recipe(rank=2, alpha=7),
    "wide": Recipe(rank=6, alpha=3),
    "wide_bottom": Recipe(rank=5, alpha=5, targets=frozenset(BOTTOM)),
}
EQUAL_RANKS = tuple(name for name, recipe in RECIPES.items() if recipe.rank == 4)

Factors = dict[str, tuple[Tensor, Tensor]]
"""Module to A and B"""


class Oracle:
    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(7)
        self.model = _tiny_model()
        for name, recipe in RECIPES.items():
            for _, layer in self._layers(name):
                for factor in (layer.lora_A, layer.lora_B):
                    weight = factor[name].weight
                    values = torch.randn(weight.shape, generator=generator) * 0.6
                    weight.data = values if recipe.grid is None else (values / recipe.grid).round() * recipe.grid

    def adapter(self, name: str) -> AdapterFactors:
        recipe = RECIPES[name]
        return AdapterFactors(name, f"key of {name}", recipe.alpha / recipe.rank, _stacked(self.factors(name)))

    def adapters(self, names: Sequence[str]) -> list[AdapterFactors]:
        return [self.adapter(name) for name in names]

    def factors(self, name: str) -> Factors:
        return {
            module: (layer.lora_A[name].weight.data.clone(), layer.lora_B[name].weight.data.clone())
            for module, layer in self._layers(name)
        }

    def merge(self, method: str, weights: Sequence[tuple[str, float]], settings: MergeSettings) -> Factors:
        """As `add_weighted_adapter` does it; with one adapter, that is always linear."""
        names, values = [name for name, _ in weights], [weight for _, weight in weights]
        self.model.add_weighted_adapter(
            names,
            values,
            "merged",
            combination_type=method,
            density=settings.density,
            majority_sign_method=settings.majority_sign_method,
        )
        try:
            assert {layer.scaling["merged"] for _, layer in self._layers("merged")} == {1.0}
            return self.factors("merged")
        finally:
            self.model.delete_adapter("merged")

    def merge_one(self, method: str, name: str, weight: float, settings: MergeSettings) -> Factors:
        """PEFT's own formulas for one adapter, without its switch to linear."""
        scaled = weight * RECIPES[name].alpha / RECIPES[name].rank
        root = torch.tensor([abs(scaled) ** 0.5])
        if method == "cat":
            return {module: (a * scaled, b) for module, (a, b) in self.factors(name).items()}
        formulas = {
            "linear": lambda factor, roots: merge_utils.task_arithmetic([factor], roots),
            "magnitude_prune": lambda factor, roots: merge_utils.magnitude_prune([factor], roots, settings.density),
            "ties": lambda factor, roots: merge_utils.ties(
                [factor], roots, settings.density, settings.majority_sign_method
            ),
        }
        formula, signed = formulas[method], root if scaled >= 0 else -root
        return {module: (formula(a, signed), formula(b, root)) for module, (a, b) in self.factors(name).items()}

    def _layers(self, adapter: str) -> list[tuple[str, LoraLayer]]:
        modules = self.model.get_base_model().named_modules()
        return [(name, layer) for name, layer in modules if isinstance(layer, LoraLayer) and adapter in layer.lora_A]


def _tiny_model() -> PeftModel:
    config = LlamaConfig(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        vocab_size=16,
    )
    base = LlamaForCausalLM(config)
    configs = {
        name: LoraConfig(r=recipe.rank, lora_alpha=recipe.alpha, target_modules=set(recipe.targets))
        for name, recipe in RECIPES.items()
    }
    first, *rest = configs
    model = get_peft_model(base, configs[first], adapter_name=first)
    for name in rest:
        model.add_adapter(name, configs[name])
    return model


def _stacked(factors: Factors) -> tuple[Stack, ...]:
    kinds: dict[str, list[str]] = {}
    for module in factors:
        kinds.setdefault(module.rpartition(".")[2], []).append(module)
    return tuple(
        Stack(tuple(modules), *(torch.stack([factors[module][side] for module in modules]) for side in (0, 1)))
        for modules in kinds.values()
    )


def unstacked(merged: MergedAdapter | AdapterFactors) -> Factors:
    return {module: (stack.a[row], stack.b[row]) for stack in merged.stacks for row, module in enumerate(stack.modules)}


def updates(merged: MergedAdapter | AdapterFactors) -> dict[str, Tensor]:
    """Module to the full matrix, in float64."""
    scaling = merged.scaling if isinstance(merged, AdapterFactors) else 1.0
    return {module: scaling * b.double() @ a.double() for module, (a, b) in unstacked(merged).items()}


def assert_same_factors(ours: MergedAdapter, theirs: Factors, tolerance: float = 1e-6) -> None:
    """Where an adapter lacks a module, PEFT's cat fills the rank up with zeros and ours has a smaller rank."""
    factors = unstacked(ours)
    assert factors.keys() == theirs.keys()
    for module, (a, b) in factors.items():
        their_a, their_b = theirs[module]
        rank = a.shape[0]
        assert a.dtype == b.dtype == torch.float32
        assert not their_a[rank:].any() and not their_b[:, rank:].any()
        assert (a - their_a[:rank]).abs().max() <= tolerance, module
        assert (b - their_b[:, :rank]).abs().max() <= tolerance, module
