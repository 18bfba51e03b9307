"""What a merge really applied: its update projected onto the span of its adapters' updates.

An update is the vector of all its modules' matrices B @ A. They are never formed: <B1 A1, B2 A2> is the sum of
(A1 A2^T) * (B1^T B2), which is of the size of the ranks. All in float64, as squared norms of near updates cancel.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from composer.merging.alignment import align
from composer.merging.factors import AdapterFactors, MergedAdapter, Stack
from composer.merging.weighing import Weights, weigh
from composer.types import Contribution

BUDGET_BYTES = 2**27
"""For float64 copies of factors: a 7b model's go through in slices of its layers."""
BLOCK = 64
"""Ranks multiplied at once: wide enough for matrix products to run well, narrow enough to skip half of them."""
DEPENDENT = 1e-10
"""Relative eigenvalue of the adapters' cosines below which a direction counts as linearly dependent."""
VANISHED = 1e-12
"""Share of squared norm below which a sum has cancelled out, up to fp32's rounding of the factors."""


def contribution(merged: MergedAdapter, adapters: Sequence[AdapterFactors], weights: Weights) -> Contribution:
    """As `contributions_of`, for one merge."""
    return contributions_of((merged,), adapters, weights)[0]


def contributions_of(
    merges: Sequence[MergedAdapter], adapters: Sequence[AdapterFactors], weights: Weights
) -> tuple[Contribution, ...]:
    """Effective weights in the order of `weights`, off-span share and norm ratio; the adapters' products are shared.

    Adapters whose updates are linearly dependent share what they explain (the minimum-norm solution over updates
    scaled to length one); an adapter without an update gets 0. Where the merged update is zero, the off-span share is
    0; where the exact weighted sum is zero, so that there is nothing to compare with, the norm ratio is 0.
    """
    weighed = weigh(adapters, weights)
    names = [adapter.name for adapter, _ in weighed]
    gram = _gram(
        [*names, *(merged.method for merged in merges)],
        [*(adapter.stacks for adapter, _ in weighed), *(merged.stacks for merged in merges)],
    )
    scalings = [*(adapter.scaling for adapter, _ in weighed), *(1.0 for _ in merges)]
    scaling = torch.tensor(scalings, dtype=torch.float64)
    gram = gram * torch.outer(scaling, scaling)
    gram.diagonal().clamp_(min=0)  # an update that cancels out within itself may round to below zero
    asked = torch.tensor([weight for _, weight in weighed], dtype=torch.float64)
    return tuple(_project(merged.method, names, asked, gram, len(names) + i) for i, merged in enumerate(merges))


def _project(method: str, names: Sequence[str], asked: Tensor, gram: Tensor, at: int) -> Contribution:
    own, cross, energy = gram[: len(names), : len(names)], gram[: len(names), at], gram[at, at]
    effective = _least_squares(own, cross)
    residual = energy - 2 * effective @ cross + effective @ own @ effective
    exact = asked @ own @ asked
    negligible = VANISHED * (asked.abs() @ own.diagonal().sqrt()) ** 2
    return Contribution(
        method=method,
        effective=tuple(zip(names, effective.tolist(), strict=True)),
        off_span=float((residual / energy).clamp(0, 1)) if energy > negligible else 0.0,
        norm_ratio=float((energy / exact).sqrt()) if exact > negligible else 0.0,
    )


def _least_squares(gram: Tensor, cross: Tensor) -> Tensor:
    lengths = gram.diagonal().sqrt()
    lengths = torch.where(lengths > 0, lengths, 1.0)
    cosines = gram / torch.outer(lengths, lengths)
    return torch.linalg.pinv(cosines, rtol=DEPENDENT, hermitian=True) @ (cross / lengths) / lengths


def _gram(names: Sequence[str], stacks: Sequence[tuple[Stack, ...]]) -> Tensor:
    """Inner products of the unscaled updates, (updates, updates), summed over all modules."""
    gram = torch.zeros(len(names), len(names), dtype=torch.float64)
    for group in align(names, stacks):
        positions = torch.tensor([position for position, _ in group.members])
        owners = torch.repeat_interleave(positions, torch.tensor([stack.a.shape[1] for _, stack in group.members]))
        a = [(stack.a, stack.scale) for _, stack in group.members]
        b = [(stack.b.mT, 1.0) for _, stack in group.members]
        step = max(1, BUDGET_BYTES // (8 * len(owners) * (a[0][0].shape[2] + b[0][0].shape[2])))
        for start in range(0, len(group.modules), step):
            part = slice(start, start + step)
            products = _rank_products(_joined(a, part), _joined(b, part)).cpu()
            rows = torch.zeros(len(names), len(owners), dtype=torch.float64).index_add_(0, owners, products)
            gram.index_add_(1, owners, rows)
    return gram


def _joined(factors: Sequence[tuple[Tensor, float]], part: slice) -> Tensor:
    return torch.cat([f[part] if scale == 1 else f[part].double() * scale for f, scale in factors], dim=1).double()


def _rank_products(a: Tensor, b: Tensor) -> Tensor:
    """a (modules, ranks, in) and b (modules, ranks, out) to (ranks, ranks); the lower half is only copied."""
    upper = torch.zeros(a.shape[1], a.shape[1], dtype=a.dtype, device=a.device)
    for start in range(0, len(upper), BLOCK):
        rows = slice(start, start + BLOCK)
        upper[rows, start:] = (a[:, rows] @ a[:, start:].mT).mul_(b[:, rows] @ b[:, start:].mT).sum(0)
    return upper.triu() + upper.triu(1).T
