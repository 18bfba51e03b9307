"""Gates: adapters kept apart, so that every token can weigh them anew in every module, instead of one merge for all.

An adapter's score for a token x in a module is |x . v|, with v a direction of the adapter's update in the input space,
or the norm of x Aᵀ where the factors are such that this is the norm of the update's output. How scores become weights,
within the forward pass, is in `inference/gated.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from composer.errors import MergeError, unknown
from composer.merging.alignment import Group, align
from composer.merging.cache import ByteCache
from composer.merging.factors import AdapterFactors, MergedAdapter, Stack

JOIN_BYTES = 2**28
"""Of all factors: up to here they are copied side by side, for one product; larger ones are multiplied one by one."""
BUDGET_BYTES = 2**27
"""For the factors in float64: a 7b model's go through in slices of its layers."""


@dataclass(frozen=True, eq=False)
class GatedPart:
    """The factors of some of a stack's adapters side by side."""

    a: Tensor
    """(modules, ranks, in_features)"""
    b: Tensor
    """(modules, out_features, ranks)"""
    owners: Tensor
    """(ranks, adapters of the stack) fp32: 1 where the rank is the adapter's, else 0"""


@dataclass(frozen=True, eq=False)
class GatedStack:
    """Modules of one kind and shape that the same adapters have. An adapter's update of a module is scale * B @ A."""

    modules: tuple[str, ...]
    parts: tuple[GatedPart, ...]
    scales: Tensor
    """(adapters,) fp32"""
    directions: Tensor | None
    """(modules, adapters, in_features) fp32, each of length 1; None where the scores are the norms of x Aᵀ."""

    @property
    def shape(self) -> tuple[int, int]:
        """(out_features, in_features) of each module"""
        return self.parts[0].b.shape[1], self.parts[0].a.shape[2]


@dataclass(frozen=True, eq=False)
class GatedAdapter:
    """What a gate adds to the base model: of each token's `top_k` best adapters, the updates weighed by a softmax."""

    method: str
    tasks: tuple[str, ...]
    """Names of the adapters; ranks and modules may differ between them."""
    top_k: int
    temperature: float
    stacks: tuple[GatedStack, ...]


AnyAdapter = MergedAdapter | GatedAdapter
"""What one slot of a forward pass adds to the base: the same for every token, or weighed for each."""


@dataclass(frozen=True)
class GateRule:
    """A row of the registry. Both functions take one adapter's A (modules, rank, in) and B (modules, out, rank)."""

    directions: Callable[[Tensor, Tensor], Tensor] | None = None
    """Gives (modules, in): what a token is compared with."""
    refactor: Callable[[Tensor, Tensor, float], tuple[Tensor, Tensor]] | None = None
    """Gives other factors of scaling * B @ A, so that the norm of x Aᵀ is the score."""


def top_direction(a: Tensor, b: Tensor) -> Tensor:
    """The top right singular vector of each B A, fp32: Arrow's prototype. Its sign is free."""
    return torch.cat([right[:, 0].float() for _, _, right in _decomposed(a, b)])


def by_spectrum(a: Tensor, b: Tensor, scaling: float) -> tuple[Tensor, Tensor]:
    """scaling * B A as U (S Vᵀ), fp32: A' = S Vᵀ and B' = U with orthonormal columns."""
    parts = [(right * (values * scaling)[..., None], left) for left, values, right in _decomposed(a, b)]
    return torch.cat([one.float() for one, _ in parts]), torch.cat([other.float() for _, other in parts])


GATES: dict[str, GateRule] = {
    "arrow": GateRule(directions=top_direction),
    "spectr": GateRule(refactor=by_spectrum),
}


def rule_named(name: str) -> GateRule:
    """Raises MergeError with the nearest name that exists."""
    if name not in GATES:
        raise MergeError(unknown("gate", name, GATES))
    return GATES[name]


class GateParts:
    """One adapter as a rule's gate takes it: decomposed once, whatever other adapters it is gated with."""

    def __init__(self, max_bytes: int) -> None:
        self._kept: ByteCache[Hashable, _Part] = ByteCache(max_bytes, lambda part: part.new_bytes)

    def of(self, rule: str, adapter: AdapterFactors, dtype: torch.dtype) -> _Part:
        first = adapter.stacks[0].a
        key = (rule, rule_named(rule), adapter.key, adapter.name, dtype, first.device, first.dtype)
        return self._kept.or_made(key, lambda: _part(rule_named(rule), adapter, dtype))


@dataclass(frozen=True, eq=False)
class _Part:
    factors: AdapterFactors
    directions: tuple[Stack, ...]
    """a (modules, 1, in_features) fp32 and an empty b, in the factors' layout; none where the rule has none."""
    new_bytes: int


def gated(
    rule: str,
    adapters: Sequence[AdapterFactors],
    *,
    top_k: int,
    temperature: float = 1.0,
    dtype: torch.dtype = torch.float32,
    parts: GateParts | None = None,
) -> GatedAdapter:
    """The adapters as a rule's gate weighs them: of a token, at most `top_k`, by softmax(scores / temperature).

    `parts` keeps what is made of each adapter alone. Where an adapter lacks a module, the others share it. Small
    factors are copied once, rounded to `dtype`; large ones are those of the adapters themselves, uncopied, unless the
    rule makes new ones. Raises MergeError for an unknown rule, no adapters, a top_k below 1, a temperature not above 0,
    or modules whose shapes differ.
    """
    rule_named(rule)
    if not adapters:
        raise MergeError(f"the gate {rule!r} was given no adapters. Give at least one.")
    if top_k < 1 or not temperature > 0:
        raise MergeError(
            f"a gate was given top_k {top_k} and temperature {temperature}. Use at least 1, and more than 0."
        )
    names = tuple(adapter.name for adapter in adapters)
    size = sum(stack.nbytes for adapter in adapters for stack in adapter.stacks)
    parts = parts or GateParts(0)
    made = [parts.of(rule, adapter, dtype) for adapter in adapters]
    groups = align(names, [part.factors.stacks for part in made])
    directions = align(names, [part.directions for part in made]) if made[0].directions else [None] * len(groups)
    scalings = [part.factors.scaling for part in made]
    stacks = tuple(
        _gated_group(group, found, scalings, dtype, joined=size <= JOIN_BYTES)
        for group, found in zip(groups, directions, strict=True)
    )
    return GatedAdapter(rule, names, top_k, temperature, stacks)


def _part(rule: GateRule, adapter: AdapterFactors, dtype: torch.dtype) -> _Part:
    directions = tuple(_direction(rule.directions, stack) for stack in adapter.stacks) if rule.directions else ()
    new = [stack.a for stack in directions]
    if rule.refactor is not None:
        stacks = []
        for stack in adapter.stacks:
            a, b = _as_type(rule.refactor(stack.a, stack.b, adapter.scaling), dtype)
            stacks.append(replace(stack, a=a, b=b))
            new += [a, b]
        adapter = replace(adapter, scaling=1.0, stacks=tuple(stacks))
    return _Part(adapter, directions, sum(tensor.nbytes for tensor in new))


def _direction(found: Callable[[Tensor, Tensor], Tensor], stack: Stack) -> Stack:
    a = found(stack.a, stack.b)[:, None]
    return Stack(stack.modules, a, a.new_empty(len(a), 0, 1))


def _gated_group(
    group: Group, directions: Group | None, scalings: Sequence[float], dtype: torch.dtype, *, joined: bool
) -> GatedStack:
    members = [stack for _, stack in group.members]
    device = members[0].a.device
    ranks = torch.tensor([stack.a.shape[1] for stack in members])
    owners = torch.eye(len(members)).repeat_interleave(ranks, dim=0).to(device)
    factors = [_as_type((stack.a, stack.b), dtype) for stack in members]
    if joined:
        parts = [GatedPart(torch.cat([a for a, _ in factors], 1), torch.cat([b for _, b in factors], 2), owners)]
    else:
        own = owners.split(ranks.tolist())
        parts = [GatedPart(a, b, rows) for (a, b), rows in zip(factors, own, strict=True)]
    return GatedStack(
        group.modules,
        tuple(parts),
        torch.tensor([scalings[position] for position, _ in group.members], device=device),
        None if directions is None else torch.cat([stack.a for _, stack in directions.members], dim=1),
    )


def _as_type(factors: tuple[Tensor, Tensor], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    return factors[0].to(dtype), factors[1].to(dtype)


def _decomposed(a: Tensor, b: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """U (modules, out, rank), S (modules, rank) and Vᵀ (modules, rank, in) of B A in float64, some modules at a time.

    With B = Q_b R_b and Aᵀ = Q_a R_a it is Q_b (R_b R_aᵀ) Q_aᵀ, so only a core of the size of the rank is decomposed.
    """
    modules, rank, in_features = a.shape
    step = max(1, BUDGET_BYTES // (8 * rank * (in_features + b.shape[1])))
    for start in range(0, modules, step):
        q_a, r_a = torch.linalg.qr(a[start : start + step].double().mT)
        q_b, r_b = torch.linalg.qr(b[start : start + step].double())
        left, values, right = torch.linalg.svd(r_b @ r_a.mT, full_matrices=False)
        yield q_b @ left, values, right @ q_a.mT
