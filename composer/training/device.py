"""Where a bank's adapters are trained, and by which recipe: from the base's config, before gigabytes are fetched."""

from __future__ import annotations

from pathlib import Path

import torch

from composer.bank.manifest import Bank
from composer.errors import InferenceError, unknown
from composer.inference.gguf import config_folder
from composer.inference.planning import BasePlan, check_room, plan_base
from composer.inference.precision import quantization_on
from composer.training.recipe import PAPER, SMALL, SMALL_BASE, AdapterRecipe, recipe_named

DEVICES = ("auto", "cpu", "cuda")


def size_up(bank: Bank, cache_dir: Path) -> BasePlan:
    """Raises BankError where the base's config cannot be had."""
    return plan_base(config_folder(bank.base, cache_dir), training_quantization(bank))


def training_quantization(bank: Bank) -> str:
    """Of the frozen base: where the bank leaves it open, a base that is small enough to be left in 16 bits is."""
    return quantization_on("cpu", bank.quantization)


def device_for(base: BasePlan, asked: str) -> str:
    """`cpu` or `cuda`. Raises InferenceError where the base cannot be loaded there, or is hopeless unless asked for."""
    if asked not in DEVICES:
        raise InferenceError(unknown("device", asked, DEVICES))
    if asked == "cuda" and not torch.cuda.is_available():
        raise InferenceError("the device 'cuda' was asked for, but torch sees no GPU. Use 'auto' or 'cpu'.")
    device = "cuda" if asked != "cpu" and torch.cuda.is_available() else "cpu"
    check_room(base, torch.device(device), chosen=asked != "auto")
    return device


def default_recipe(bank: Bank, base: BasePlan) -> AdapterRecipe:
    """The one that bank.toml names, else by size. Raises SettingsError for a name that is none."""
    if bank.recipe:
        return recipe_named(bank.recipe)
    return SMALL if base.parameters < SMALL_BASE else PAPER
