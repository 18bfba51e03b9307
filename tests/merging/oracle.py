"""PEFT as the oracle: a tiny Llama with a pool of adapters of every kind that merging has to cope with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from unittest.mock import patch

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraLayer
from peft.utils import merge_utils
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from composer.config import MergeSettings
from composer.merging import METHODS, AdapterFactors, MergedAdapter, Stack
from composer.merging.dare import drop

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
PEFT_METHODS = ("linear", "cat", "ties", "magnitude_prune", "svd", "dare_linear", "dare_ties")
"""The rows of METHODS that PEFT has under the same name."""
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
        return {module: (a.clone(), b.clone()) for module, (a, b) in self._own(name).items()}

    def merge(self, method: str, weights: Sequence[tuple[str, float]], settings: MergeSettings) -> Factors:
        """As `add_weighted_adapter` does it; with one adapter, that is always linear.

        The masks of the DARE methods are ours, and svd runs in float64: PEFT's own rounding would hide ours.
        """
        names, values = [name for name, _ in weights], [weight for _, weight in weights]
        with ExitStack() as within:
            within.enter_context(self._with_our_masks(names, settings))
            if METHODS[method].truncates:
                within.enter_context(self._in_double())
            self.model.add_weighted_adapter(
                names,
                values,
                "merged",
                combination_type=method,
                svd_rank=settings.svd_rank,
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
        if method == "svd":
            rank = settings.svd_rank or RECIPES[name].rank
            return {module: _cut(a.double() * scaled, b.double(), rank) for module, (a, b) in self._own(name).items()}
        density, elect = settings.density, settings.majority_sign_method
        formulas = {
            "linear": lambda factor, roots: merge_utils.task_arithmetic([factor], roots),
            "magnitude_prune": lambda factor, roots: merge_utils.magnitude_prune([factor], roots, density),
            "ties": lambda factor, roots: merge_utils.ties([factor], roots, density, elect),
            "dare_linear": lambda factor, roots: merge_utils.dare_linear([factor], roots, density),
            "dare_ties": lambda factor, roots: merge_utils.dare_ties([factor], roots, density, elect),
        }
        formula, signed = formulas[method], root if scaled >= 0 else -root
        with self._with_our_masks([name], settings):
            return {module: (formula(a, signed), formula(b, root)) for module, (a, b) in self._own(name).items()}

    def _own(self, name: str) -> Factors:
        """The very tensors that PEFT works on."""
        return {
            module: (layer.lora_A[name].weight.data, layer.lora_B[name].weight.data)
            for module, layer in self._layers(name)
        }

    @contextmanager
    def _with_our_masks(self, names: Sequence[str], settings: MergeSettings) -> Iterator[None]:
        """In place of PEFT's Bernoulli draw. It is told a tensor and no name, so tensors are known by their place."""
        masks: dict[int, Tensor] = {}
        for name in names:
            kept = unstacked(drop(_of_ones(self.adapter(name)), settings.density, settings.seed))
            for module, factors in self._own(name).items():
                masks |= {own.data_ptr(): mask != 0 for own, mask in zip(factors, kept[module], strict=True)}

        def pruned(tensor: Tensor, density: float, rescale: bool) -> Tensor:
            assert rescale
            return tensor * masks[tensor.data_ptr()] / density

        with patch.object(merge_utils, "random_pruning", pruned):
            yield

    @contextmanager
    def _in_double(self) -> Iterator[None]:
        self.model.double()
        try:
            yield
        finally:
            self.model.float()

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


def _of_ones(adapter: AdapterFactors) -> AdapterFactors:
    ones = tuple(replace(s, a=torch.ones_like(s.a), b=torch.ones_like(s.b)) for s in adapter.stacks)
    return replace(adapter, stacks=ones)


def _cut(a: Tensor, b: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    left, values, right = torch.linalg.svd(b @ a)
    return right[:rank], left[:, :rank] * values[:rank]


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


def assert_same_merge(ours: MergedAdapter, theirs: Factors) -> None:
    """Factor by factor; a singular vector's sign is free, so svd is compared in the product."""
    if METHODS[ours.method].truncates:
        assert_same_products(ours, theirs)
    else:
        assert_same_factors(ours, theirs)


def assert_same_products(ours: MergedAdapter, theirs: Factors, tolerance: float = 1e-4) -> None:
    products = updates(ours)
    assert products.keys() == theirs.keys()
    for module, product in products.items():
        a, b = theirs[module]
        assert (product - b.double() @ a.double()).abs().max() <= tolerance, module


def assert_same_factors(ours: MergedAdapter, theirs: Factors, tolerance: float = 1e-6) -> None:
    """Where an adapter lacks a module, PEFT's cat fills the rank up with zeros and ours has a smaller rank.

    Above 1, which rescaled entries reach, the tolerance is that of fp32: relative.
    """
    factors = unstacked(ours)
    assert factors.keys() == theirs.keys()
    for module, (a, b) in factors.items():
        their_a, their_b = theirs[module]
        rank = a.shape[0]
        assert a.dtype == b.dtype == torch.float32
        assert not their_a[rank:].any() and not their_b[:, rank:].any()
        assert (a - their_a[:rank]).abs().max() <= tolerance * max(1, their_a.abs().max()), module
        assert (b - their_b[:, :rank]).abs().max() <= tolerance * max(1, their_b.abs().max()), module
