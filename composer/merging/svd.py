"""The exact weighted sum, cut to its strongest directions: the best update of a given rank, never a full matrix.

The sum is B A, with the adapters' factors stacked as cat stacks them. With B = Q_b R_b and Aᵀ = Q_a R_a it is
Q_b (R_b R_aᵀ) Q_aᵀ, so the singular values are those of the core in the middle, of the size of the summed ranks.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from composer.config import MergeSettings
from composer.merging.method import Member

BUDGET_BYTES = 2**27
"""For the stacked factors of the modules in the air: a 7b model's layers go through in slices."""


def merge(members: Sequence[Member], settings: MergeSettings) -> tuple[Tensor, Tensor]:
    """A has orthonormal rows and B carries the singular values, as in PEFT; signs may differ in both. A sum of a
    smaller rank than `svd_rank` keeps its own.
    """
    modules, _, in_features = members[0].a.shape
    ranks = sum(member.a.shape[1] for member in members)
    step = max(1, BUDGET_BYTES // (8 * ranks * (in_features + members[0].b.shape[1])))
    parts = [_merge_part(members, slice(start, start + step), settings.svd_rank) for start in range(0, modules, step)]
    return torch.cat([a for a, _ in parts]), torch.cat([b for _, b in parts])


def _merge_part(members: Sequence[Member], part: slice, rank: int | None) -> tuple[Tensor, Tensor]:
    # In float64: where two singular values at the cut are close, fp32's rounding would choose between their directions.
    a = torch.cat([member.a[part].double() * (member.weight * member.scaling) for member in members], dim=1)
    b = torch.cat([member.b[part].double() for member in members], dim=2)
    q_a, r_a = torch.linalg.qr(a.mT)
    q_b, r_b = torch.linalg.qr(b)
    left, values, right = torch.linalg.svd(r_b @ r_a.mT, full_matrices=False)
    merged_b = q_b @ (left[..., :rank] * values[:, None, :rank])
    return (right[:, :rank] @ q_a.mT).float(), merged_b.float()
