"""Mix A and B separately: cheap and of the adapters' own rank, at the price of the cross terms B_i A_j."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from composer.config import MergeSettings
from composer.merging.method import Member


def merge(members: Sequence[Member], settings: MergeSettings) -> tuple[Tensor, Tensor]:
    """A = sum of sqrt(w s) A_i and B = sum of sqrt(w s) B_i. For one adapter, exactly w s B A; not so for more."""
    a = weighted_sum([member.a for member in members], [member.root_a for member in members])
    b = weighted_sum([member.b for member in members], [member.root_b for member in members])
    return a, b


def weighted_sum(tensors: Sequence[Tensor], factors: Sequence[float]) -> Tensor:
    total = torch.zeros(tensors[0].shape, dtype=torch.float32, device=tensors[0].device)
    for tensor, factor in zip(tensors, factors, strict=True):
        total.add_(tensor, alpha=factor)
    return total
