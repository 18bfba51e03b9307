"""TIES in Core Space: trim, elect and average the entries of the updates themselves, not those of their factors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from composer.config import MergeSettings
from composer.merging.core_space import VANISHED, Cores, merge_cores
from composer.merging.method import Member


def merge(members: Sequence[Member], settings: MergeSettings) -> tuple[Tensor, Tensor]:
    """M is, entry by entry, the mean of the trimmed M_i that have the elected sign; zero where none has.

    Weights scale the cores before anything is trimmed. Which entries of an adapter stay, a weight does not change, as
    each core is trimmed to the density by itself; a negative one turns the adapter's votes, and one of zero has none.
    Election by `frequency` counts signs, an even vote going to the larger sum; by `total` it goes by the sum of the
    weighted entries. What cancels out elects nobody. As the mean divides by how many agree, the update shrinks as in
    TIES on factors.
    """
    return merge_cores(agreeing_mean, members, settings)


def agreeing_mean(cores: Cores, settings: MergeSettings) -> Tensor:
    kept = trimmed(cores, settings.density)
    signs, total = kept.sign(), kept.sum(0)
    total = total * (total.abs() > VANISHED * kept.abs().amax((0, 2, 3), keepdim=True)[0])
    count = signs.sum(0) if settings.majority_sign_method == "frequency" else torch.zeros_like(total)
    # An even vote for plus, as TIES has it, would hang on the free signs of the singular vectors.
    elected = torch.where(count == 0, total, count).sign()
    agrees = (signs == elected) & (signs != 0)
    return (kept * agrees).sum(0) / agrees.sum(0).clamp(min=1)


def trimmed(cores: Cores, density: float) -> Tensor:
    """Zero all but the largest int(density * entries) of every core, and keep at least one."""
    cores.check_density(density)
    if density >= 1:
        return cores.values
    flat = cores.values.flatten(2)
    order = flat.abs().argsort(dim=2, descending=True, stable=True)
    stays = torch.arange(flat.shape[2], device=flat.device) < (density * cores.sizes).long().clamp(min=1).unsqueeze(1)
    mask = torch.empty_like(flat, dtype=torch.bool).scatter_(2, order, stays.expand_as(flat))
    return cores.values * mask.view_as(cores.values)
