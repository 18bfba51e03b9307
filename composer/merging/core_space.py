"""Merging small cores in place of updates (Core Space: Panariello et al., 2025, arXiv:2509.17786).

The right singular vectors V of all A stacked and the left ones U of all B side by side span every adapter's update. So
the cores M_i = Uᵀ (w_i s_i B_i A_i) V, of the size of the summed ranks, hold the updates without loss. A rule makes one
core M of them, and the merge is U M Vᵀ. Rules that look at single entries see those of the update here, in a basis that
the adapters share; entries of factors stand for different directions in every adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from composer.config import MergeSettings
from composer.errors import MergeError
from composer.merging.method import Member

BUDGET_BYTES = 2**27
"""For the stacked factors and the cores of the modules in the air: a 7b model's layers go through in slices."""
VANISHED = 1e-10
"""Relative singular value below which a direction is none: float64's rounding of factors that depend on each other."""


@dataclass(frozen=True, eq=False)
class Cores:
    """The updates of some modules, with the adapters' weights and scalings, in the bases that they share."""

    values: Tensor
    """(adapters, modules, rows, columns), float64. Rows and columns beyond a module's own rank are exactly zero."""
    sizes: Tensor
    """(modules,) float64: entries of a core within the module's own ranks, which degenerate factors make fewer."""
    keys: tuple[str, ...]
    """The adapters by content"""
    modules: tuple[str, ...]

    def check_density(self, density: float) -> None:
        """Raises MergeError where pruning would leave nothing of a core."""
        entries = self.values[0, 0].numel()
        if int(density * entries) == 0:
            raise MergeError(
                f"density {density} keeps none of the {entries} entries of a core of {self.modules[0]}. "
                f"Set it to {1.1 / entries:.2g} or more."
            )


Rule = Callable[[Cores, MergeSettings], Tensor]
"""Cores to one core, (modules, rows, columns). It must not hang on the signs of rows and columns: the SVD leaves them
free."""


def merge_cores(rule: Rule, members: Sequence[Member], settings: MergeSettings) -> tuple[Tensor, Tensor]:
    """The factors A and B of U M Vᵀ, the shorter basis of the two as one of them.

    An adapter of weight zero is left out. The others go by content, so that their order changes no digit.
    """
    present = sorted((m for m in members if m.weight), key=lambda m: (m.key, m.weight)) or list(members)
    first = present[0]
    modules, ranks = len(first.a), sum(member.a.shape[1] for member in present)
    room = 8 * ranks * (first.a.shape[2] + first.b.shape[1] + len(present) * ranks)
    step = max(1, BUDGET_BYTES // room)
    parts = [_merge_part(rule, present, slice(start, start + step), settings) for start in range(0, modules, step)]
    width = max(1, *(width for _, _, width in parts))
    return torch.cat([a[:, :width] for a, _, _ in parts]), torch.cat([b[..., :width] for _, b, _ in parts])


def _merge_part(
    rule: Rule, members: Sequence[Member], part: slice, settings: MergeSettings
) -> tuple[Tensor, Tensor, int]:
    """A, B, and how many of their ranks any module of the part needs."""
    v, a, columns = _basis([member.a[part].double().mT for member in members])
    u, b, rows = _basis([member.b[part].double() for member in members])
    values = torch.stack([_core(*one) for one in zip(members, b, a, strict=True)])
    keys = tuple(member.key for member in members)
    core = rule(Cores(values, (rows * columns).double(), keys, members[0].modules[part]), settings)
    if v.shape[2] <= u.shape[2]:
        return v.mT.float(), (u @ core).float(), int(columns.max())
    return (core @ v.mT).float(), u.float(), int(rows.max())


def _basis(factors: Sequence[Tensor]) -> tuple[Tensor, tuple[Tensor, ...], Tensor]:
    """Factors (modules, features, rank of each) to (orthonormal basis, each one's coordinates in it, its dimension).

    The basis is (modules, features, size), of their left singular vectors, strongest first. Through QR: the SVD then is
    of the ranks' size. A dimension is of one module, and coordinates beyond it are zero.
    """
    q, r = torch.linalg.qr(torch.cat(tuple(factors), dim=2))
    left, values, right = torch.linalg.svd(r, full_matrices=False)
    present = values > VANISHED * values[:, :1]
    coordinates = (values * present).unsqueeze(2) * right
    return q @ left, coordinates.split([factor.shape[2] for factor in factors], dim=2), present.sum(1)


def _core(member: Member, b: Tensor, a: Tensor) -> Tensor:
    return (member.weight * member.scaling) * (b @ a.mT)
