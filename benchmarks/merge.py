"""Merging alone: a bank with all of its adapters loaded on both sides, four of them merged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from operator import add

import torch

from benchmarks.agreement import check, largest_difference
from benchmarks.engine import opened, settled
from benchmarks.peft_side import PeftSide
from benchmarks.plan import METHODS, SETTINGS, WEIGHTS, Plan
from benchmarks.timing import CleanUp, Side, Times, alone, interleaved, versus
from composer.bank.manifest import Bank, load_bank
from composer.bank.store import AdapterStore
from composer.inference.gguf import base_folder
from composer.inference.planning import plan_base
from composer.merging import METHODS as REGISTRY
from composer.merging import AdapterFactors, MergedAdapter, TrimCache, merge
from composer.pipeline import Composer

TASKS = ("commonsense_qa", "squad", "mnli", "sst2")
TOLERANCE, HALF_TOLERANCE = 1e-6, 1e-2
SECONDS = 60
"""No round begins after it."""
DECOMPOSED = ("cat", "svd", *(name for name, method in REGISTRY.items() if method.in_core_space))
"""The methods that decompose the factors, beside cat, which copies them."""
Choice = tuple[tuple[str, float], ...]
Make = Callable[[str, TrimCache | None], MergedAdapter]
"""A method's merge, with trimmed adapters at hand or without."""


def measure(plan: Plan) -> dict[str, object]:
    bank = load_bank(plan.bank)
    if plan.device != "cpu":
        composer = opened(bank, plan)
        tasks = four_of(bank)
        return on_device(composer, PeftSide.of_base(composer.base, bank, tasks), plan, tasks, "merge")
    store = AdapterStore(bank, plan_base(base_folder(bank.base, plan.cache_dir), "none").module_shapes)
    for task in bank.tasks:
        store.get(task)
    adapters = [store.get(task) for task in four_of(bank)]
    # PEFT's merges are of the base's type, and in 16 bits rounded
    peft = PeftSide.of_bank(bank, plan, dtype=torch.float32)
    times = compared(peft, adapters, plan, rounds=plan.rounds(9), label="merge")
    return {**times, "decomposed": decomposed(adapters, plan, rounds=plan.rounds(5), label="decomposed merges")}


def on_device(composer: Composer, peft: PeftSide, plan: Plan, tasks: Sequence[str], label: str) -> dict[str, object]:
    """As the engine merges beside a model on a GPU: in its type, cat as a list of its adapters' factors."""
    adapters = [composer.adapters.get(task) for task in tasks]
    half = composer.base.dtype.itemsize == 2
    choice = choice_of(adapters)

    def make(method: str, trimmed: TrimCache | None) -> MergedAdapter:
        cache = trimmed if trimmed is not None else TrimCache(0)
        return replace(composer, trimmed=cache).merge(choice, SETTINGS, method)

    return compared(
        peft,
        adapters,
        plan,
        rounds=plan.rounds(5),
        label=label,
        make=make,
        # In 16 bits many magnitudes are equal, and which of them a GPU's top-k keeps is anyone's guess.
        checked=("linear", "cat") if half else METHODS,
        tolerance=HALF_TOLERANCE if half else TOLERANCE,
        settle=settled(composer),
    )


def decomposed(adapters: Sequence[AdapterFactors], plan: Plan, *, rounds: int, label: str) -> dict[str, object]:
    """Milliseconds of each of `DECOMPOSED`, and how many times cat's. PEFT has no Core Space, so it stands aside."""
    choice = choice_of(adapters)

    def ours(method: str) -> Side:
        def side() -> None:
            merge(method, adapters, choice, SETTINGS.merge)

        return side

    times = interleaved({m: ours(m) for m in DECOMPOSED}, rounds, progress=plan.progress(f"{label}, rounds"))
    return {method: alone(times[method], times["cat"]) for method in DECOMPOSED}


def four_of(bank: Bank) -> tuple[str, ...]:
    """Of four families, where the bank has them."""
    return TASKS if set(TASKS) <= set(bank.tasks) else bank.tasks[:4]


def choice_of(adapters: Sequence[AdapterFactors]) -> Choice:
    return tuple((adapter.name, weight) for adapter, weight in zip(adapters, WEIGHTS, strict=True))


def compared(
    peft: PeftSide,
    adapters: Sequence[AdapterFactors],
    plan: Plan,
    *,
    rounds: int,
    label: str,
    make: Make | None = None,
    checked: Sequence[str] = METHODS,
    tolerance: float = TOLERANCE,
    settle: Callable[[], object] = lambda: None,
) -> dict[str, object]:
    """Per method and for all four: ours with trimmed adapters at hand (`ours_ms`) and without (`first_ms`), and PEFT.

    Ours is `merge` itself, which keeps no results, so every round merges anew. The factors of the methods `checked`
    must be PEFT's to the tolerance before anything is timed.
    """
    choice, dtype = choice_of(adapters), adapters[0].stacks[0].a.dtype

    def merged(method: str, trimmed: TrimCache | None) -> MergedAdapter:
        return merge(method, adapters, choice, SETTINGS.merge, trimmed, dtype=dtype)

    worst = max(_difference(peft, merged(m, None), label, tolerance) for m in checked)
    times = interleaved(
        _sides(peft, choice, make or merged),
        rounds,
        settle=settle,
        progress=plan.progress(f"{label}, rounds"),
        warmup=0,  # the check was one, and all is trimmed
        within_s=plan.seconds(SECONDS),
    )
    rows = {method: _row(times, (method,)) for method in METHODS}
    return {**rows, "all": _row(times, METHODS), "largest_difference": worst}


def _sides(peft: PeftSide, choice: Choice, make: Make) -> dict[str, Side]:
    trimmed = TrimCache()

    def ours(method: str, cache: TrimCache | None) -> Side:
        def side() -> None:
            make(method, cache)

        return side

    def theirs(method: str) -> Side:
        def side() -> CleanUp:
            name = peft.merge(method, choice, SETTINGS.merge)
            return lambda: peft.drop(name)

        return side

    sides: dict[str, Side] = {}
    for method in METHODS:
        make(method, trimmed)
        sides[f"ours {method}"] = ours(method, trimmed)
        sides[f"first {method}"] = ours(method, None)
        sides[f"peft {method}"] = theirs(method)
    return sides


def _row(times: dict[str, Times], methods: Sequence[str]) -> dict[str, object]:
    """Of one method, or of several: their sum in every round."""
    ours, first, peft = (
        reduce(add, (times[f"{side} {method}"] for method in methods)) for side in ("ours", "first", "peft")
    )
    unprepared = versus(first, peft)
    return {**versus(ours, peft), "first_ms": unprepared["ours_ms"], "first_ratio": unprepared["ratio"]}


def _difference(peft: PeftSide, ours: MergedAdapter, label: str, tolerance: float) -> float:
    name = peft.merge(ours.method, ours.weights, SETTINGS.merge)
    try:
        difference = largest_difference(ours, peft.factors(name))
        return check(f"{label}, {ours.method}", difference, tolerance)
    finally:
        peft.drop(name)
