"""Merge methods as pure functions of stacked factors, and what each merge really applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from composer.config import MergeSettings
from composer.errors import MergeError, unknown
from composer.merging import (
    average,
    cat,
    core_dare,
    core_iso,
    core_sum,
    core_ties,
    dare_linear,
    dare_ties,
    linear,
    magnitude_prune,
    svd,
    ties,
)
from composer.merging.alignment import Group, align
from composer.merging.contributions import contribution, contributions_of
from composer.merging.dare import drop
from composer.merging.factors import AdapterFactors, MergedAdapter, Stack
from composer.merging.gating import GATES, AnyAdapter, GatedAdapter, gated, rule_named
from composer.merging.method import Member, Method
from composer.merging.sparsity import TrimCache, trim
from composer.merging.weighing import Weights, check_equal_ranks, weigh

__all__ = [
    "GATES",
    "METHODS",
    "AdapterFactors",
    "AnyAdapter",
    "GatedAdapter",
    "MergedAdapter",
    "Method",
    "Stack",
    "TrimCache",
    "contribution",
    "contributions_of",
    "gated",
    "merge",
    "method_named",
    "rule_named",
]

DEFAULTS = MergeSettings()

METHODS: dict[str, Method] = {
    "linear": Method(
        linear.merge,
        title="Linear",
        sentence="Mixes the adapters' two factors separately, so products between different adapters slip in.",
    ),
    "cat": Method(
        cat.merge,
        title="Concatenation",
        sentence="Sets the adapters side by side: exactly the weighted sum of what each of them changes.",
        mixes_ranks=True,
        exact=True,
        lists=True,
    ),
    "ties": Method(
        ties.merge,
        title="TIES",
        sentence="Keeps each adapter's largest numbers, has them vote on every sign and averages those that agree.",
        prunes=True,
        elects=True,
    ),
    "magnitude_prune": Method(
        magnitude_prune.merge,
        title="Magnitude prune",
        sentence="Keeps each adapter's largest numbers and mixes what is left as Linear does.",
        prunes=True,
    ),
    "svd": Method(
        svd.merge,
        title="SVD",
        sentence="Takes the exact weighted sum and keeps its strongest directions, as many as one adapter has.",
        mixes_ranks=True,
        truncates=True,
    ),
    "dare_linear": Method(
        dare_linear.merge,
        title="DARE linear",
        sentence="Drops numbers of each adapter at random, scales up the rest and mixes them as Linear does.",
        prunes=True,
        seeded=True,
    ),
    "dare_ties": Method(
        dare_ties.merge,
        title="DARE TIES",
        sentence="Drops numbers of each adapter at random, scales up the rest and has them vote as TIES does.",
        prunes=True,
        elects=True,
        seeded=True,
    ),
    "core_sum": Method(
        core_sum.merge,
        title="Core sum",
        sentence="Adds what the adapters change, in the small space that they span: the weighted sum, exactly.",
        mixes_ranks=True,
        exact=True,
        in_core_space=True,
    ),
    "core_ties": Method(
        core_ties.merge,
        title="Core TIES",
        sentence="Trims, votes and averages as TIES does, on what the adapters change in the small space they span.",
        prunes=True,
        elects=True,
        mixes_ranks=True,
        in_core_space=True,
    ),
    "core_dare": Method(
        core_dare.merge,
        title="Core DARE",
        sentence="Drops parts of what each adapter changes at random, in the small space they span, and adds the rest.",
        prunes=True,
        seeded=True,
        mixes_ranks=True,
        in_core_space=True,
    ),
    "core_iso": Method(
        core_iso.merge,
        title="Core Iso",
        sentence="Takes the exact weighted sum and makes all of its directions equally strong.",
        mixes_ranks=True,
        in_core_space=True,
        evens=True,
    ),
    "average": Method(
        average.merge,
        title="Factor average",
        sentence="Averages the adapters' two factors separately, each with its whole weight; their products mix.",
    ),
}


def merge(
    method: str,
    adapters: Sequence[AdapterFactors],
    weights: Weights,
    settings: MergeSettings = DEFAULTS,
    trimmed: TrimCache | None = None,
    *,
    dtype: torch.dtype = torch.float32,
    listed: bool = False,
) -> MergedAdapter:
    """The one entry: checks, then applies the method to every module among the adapters that have it.

    `listed` lets a method that is the exact sum hand out its adapters' own factors, each with its weight, uncopied.
    Computed in fp32 whatever floating type comes in, and rounded to `dtype` group by group. The numbers are those of
    PEFT's `add_weighted_adapter` where it has the method, also under negative weights (for svd, those of the product
    B A), except that one adapter alone still goes through the method asked for (PEFT turns to linear), that cat leaves
    out the zero rows with which PEFT fills up the rank where an adapter lacks a module, and that the DARE methods drop
    by `seed` and not anew in every call. Raises MergeError for an unknown method; for adapters and weights that do not
    pair one to one, or weights that are not finite or all zero; for ranks that differ where the method needs equal
    ones; for modules whose shapes differ; for a density that keeps nothing.
    """
    chosen = method_named(method)
    weighed = weigh(adapters, weights)
    asked = tuple((adapter.name, weight) for adapter, weight in weighed)
    if not chosen.mixes_ranks:
        mixing = [named(name) for name, known in METHODS.items() if known.mixes_ranks]
        check_equal_ranks([adapter for adapter, _ in weighed], chosen.title, mixing)
    if chosen.truncates and settings.svd_rank is None:
        settings = replace(settings, svd_rank=max(adapter.rank for adapter, _ in weighed))
    if listed and chosen.lists:
        return MergedAdapter(method, asked, cat.listed(weighed))
    if chosen.prunes_factors:
        weighed = tuple((_pruned(chosen, adapter, settings, trimmed), weight) for adapter, weight in weighed)
    groups = align([name for name, _ in asked], [adapter.stacks for adapter, _ in weighed])
    return MergedAdapter(
        method, asked, tuple(_merge_group(chosen, group, weighed, settings, dtype) for group in groups)
    )


def named(name: str) -> str:
    """A method for whoever reads an error: as the page has it, and as the command line takes it."""
    return f"{METHODS[name].title} ({name})"


def method_named(name: str) -> Method:
    """Raises MergeError with the nearest name that exists."""
    if name not in METHODS:
        raise MergeError(unknown("method", name, METHODS))
    return METHODS[name]


def _pruned(
    method: Method, adapter: AdapterFactors, settings: MergeSettings, trimmed: TrimCache | None
) -> AdapterFactors:
    if method.seeded:
        return drop(adapter, settings.density, settings.seed)
    return (trim if trimmed is None else trimmed.trim)(adapter, settings.density)


def _merge_group(
    method: Method,
    group: Group,
    weighed: Sequence[tuple[AdapterFactors, float]],
    settings: MergeSettings,
    dtype: torch.dtype,
) -> Stack:
    members = []
    for position, stack in group.members:
        adapter, weight = weighed[position]
        members.append(Member(stack.a, stack.b, weight, adapter.scaling, adapter.key, group.modules))
    a, b = method.merge(members, settings)
    return Stack(group.modules, a.to(dtype), b.to(dtype))
