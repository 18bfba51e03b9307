"""The measurements by name, and a run of some of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from benchmarks import (
    bank_scaling,
    compare,
    gpu,
    index_scaling,
    memory,
    merge,
    merge_7b_shape,
    neighbours,
    start,
    training,
)
from benchmarks.attempt import attempted
from benchmarks.machine import describe
from benchmarks.plan import Plan
from composer.errors import SettingsError, unknown

MEASUREMENTS: dict[str, Callable[[Plan], dict[str, object]]] = {
    "merge": merge.measure,
    "merge_7b_shape": merge_7b_shape.measure,
    "compare": compare.measure,
    "neighbours": neighbours.measure,
    "start": start.measure,
    "training": training.measure,
    "bank_scaling": bank_scaling.measure,
    "index_scaling": index_scaling.measure,
    "memory": memory.measure,
    "gpu": gpu.measure,
}


def run(
    names: Sequence[str], plan: Plan, ended: Callable[[Mapping[str, object]], object] = lambda results: None
) -> dict[str, object]:
    """Results by measurement, with "machine" before them; what broke stands under "failed". `ended` hears of the
    results after each."""
    machine = describe(plan)
    parts = {name: partial(MEASUREMENTS[name], plan) for name in names}
    return {"machine": machine, **attempted(parts, lambda found: ended({"machine": machine, **found}))}


ON_GPU = ("compare", "merge", "training", "gpu")
"""What a GPU changes, in five minutes: the bank that ships, and a base of 7b's shape."""


def chosen(names: Sequence[str] | None, device: str) -> tuple[str, ...]:
    """Without names, all that the device is for."""
    for name in names or ():
        if name not in MEASUREMENTS:
            raise SettingsError(unknown("measurement", name, MEASUREMENTS))
    if names:
        return tuple(names)
    return ON_GPU if device == "cuda" else tuple(name for name in MEASUREMENTS if name != "gpu")
