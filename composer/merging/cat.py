"""Stack ranks. Exact: the weighted sum of the updates, at the price of the summed rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from composer.config import MergeSettings
from composer.merging.factors import AdapterFactors, Stack
from composer.merging.method import Member


def merge(members: Sequence[Member], settings: MergeSettings) -> tuple[Tensor, Tensor]:
    """A = [w s A_i] stacked and B = [B_i] side by side, in the order of the weights."""
    modules, _, in_features = members[0].a.shape
    rank = sum(member.a.shape[1] for member in members)
    a = torch.empty(modules, rank, in_features, dtype=torch.float32, device=members[0].a.device)
    start = 0
    for member in members:
        part = a[:, start : (start := start + member.a.shape[1])]
        part.copy_(member.a).mul_(member.weight).mul_(member.scaling)
    return a, torch.cat([member.b.float() for member in members], dim=2)


def listed(weighed: Sequence[tuple[AdapterFactors, float]]) -> tuple[Stack, ...]:
    """The same update without a copy: the adapters' own stacks side by side, the weight as their scale."""
    return tuple(
        replace(stack, scale=weight * adapter.scaling) for adapter, weight in weighed for stack in adapter.stacks
    )
