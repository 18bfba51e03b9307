"""Where a bank's adapters are trained, and by which recipe: from the base's config, before gigabytes are fetched."""

from __future__ import annotations

import torch

from composer.bank.hub import folder_of
from composer.bank.manifest import Bank
from composer.errors import InferenceError, unknown
from composer.inference.planning import BasePlan, check_room, plan_base
from composer.training.recipe import EMBEDDED, PAPER, AdapterRecipe, recipe_named

DEVICES = ("auto", "cpu", "cuda")
SMALL = 500_000_000
"""Parameters below which the embedded bank's recipe is the default: it was found on a few millions."""


def size_up(bank: Bank) -> BasePlan:
    """Raises BankError where the base's config cannot be had."""
    folder, _ = folder_of(bank.base, ("config.json",))
    return plan_base(folder, bank.quantization)


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
    return EMBEDDED if base.parameters < SMALL else PAPER
