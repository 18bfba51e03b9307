"""What decides an adapter, as data: the paper's recipe for 7b banks, and one for small bases."""

from __future__ import annotations

import math
from dataclasses import dataclass

from composer.bank.adapter_config import MAX_ALPHA, MAX_RANK
from composer.errors import SettingsError, unknown

ALL_PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
SCHEDULES = ("cosine", "linear", "constant", "constant_with_warmup")


@dataclass(frozen=True)
class AdapterRecipe:
    """LoRA and AdamW settings; the loss is on the answer only. Raises SettingsError for values that make no sense."""

    rank: int
    alpha: int
    epochs: float
    batch_size: int
    accumulation: int
    learning_rate: float
    warmup_steps: int
    dropout: float = 0.0
    schedule: str = "cosine"
    max_grad_norm: float = 1.0
    targets: tuple[str, ...] = ALL_PROJECTIONS
    rows: int = 2_000
    """Training rows a task, at most."""
    max_tokens: int = 512
    seed: int = 17
    least_steps: int = 0
    """A task with few rows is passed over more often, until it has had as many."""

    def __post_init__(self) -> None:
        # what is written here can be read back: the bounds are those of the reader
        _check_whole("rank", self.rank, 1, MAX_RANK)
        _check_whole("alpha", self.alpha, 1, int(MAX_ALPHA))
        _check_whole("batch size", self.batch_size, 1, 4_096)
        _check_whole("accumulation", self.accumulation, 1, 4_096)
        _check_whole("warm-up steps", self.warmup_steps, 0, 1_000_000)
        _check_whole("number of least steps", self.least_steps, 0, 1_000_000)
        _check_whole("number of rows", self.rows, 1, 10_000_000)
        _check_whole("max tokens", self.max_tokens, 2, 1_000_000)
        _check_whole("seed", self.seed, 0, 2**31 - 1)
        _check_number("number of epochs", self.epochs, 0, 1_000)
        _check_number("learning rate", self.learning_rate, 0, 1)
        _check_number("gradient norm", self.max_grad_norm, 0, 1e6)
        if not 0 <= self.dropout < 1:
            raise SettingsError(f"the dropout is {self.dropout!r}; it must be at least 0 and below 1.")
        if self.schedule not in SCHEDULES:
            raise SettingsError(unknown("schedule", self.schedule, SCHEDULES))
        if not self.targets:
            raise SettingsError("no layer is to be trained. Name at least one in targets, such as q_proj.")

    def epochs_of(self, rows: int) -> float:
        """Passes over `rows` training rows."""
        steps = math.ceil(rows / (self.batch_size * self.accumulation))
        return max(self.epochs, math.ceil(self.least_steps / steps))


def _check_whole(name: str, value: int, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise SettingsError(f"the {name} is {value!r}; it must be a whole number from {low} to {high}.")


def _check_number(name: str, value: float, above: float, high: float) -> None:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not fits or not above < value <= high:
        raise SettingsError(f"the {name} is {value!r}; it must be above {above} and at most {high:g}.")


PAPER = AdapterRecipe(rank=64, alpha=32, epochs=3, batch_size=4, accumulation=4, learning_rate=5e-5, warmup_steps=100)
"""Section 6.4 of the paper; packing off, bias none."""

SMALL_BASE = 500_000_000
"""Parameters below which the recipe for small bases is the default."""
SMALL = AdapterRecipe(
    rank=4, alpha=8, epochs=3, batch_size=16, accumulation=1, learning_rate=1e-3, warmup_steps=20, max_tokens=384,
    least_steps=150,
)  # fmt: skip
"""For bases below half a billion parameters: a higher rate, since there is little to forget and little time."""

RECIPES = {"paper": PAPER, "small": SMALL}


def recipe_named(name: str) -> AdapterRecipe:
    """Raises SettingsError, with the nearest name, for a recipe that does not exist."""
    if name not in RECIPES:
        raise SettingsError(unknown("recipe", name, RECIPES))
    return RECIPES[name]
