"""DARE in Core Space: drop entries of the updates themselves at random, scale up the rest and add."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from composer.config import MergeSettings
from composer.merging.core_space import Cores, merge_cores
from composer.merging.dare import random_bits, threshold
from composer.merging.method import Member


def merge(members: Sequence[Member], settings: MergeSettings) -> tuple[Tensor, Tensor]:
    """M = sum of drop(M_i) / density; the expected M is that of core_sum, whatever the signs of the weights.

    Which places of a core go, follows from seed, adapter and module, as in `dare`: neither weights nor order enter. But
    what lies in a place hangs on the basis, so an adapter loses other directions in other company.
    """
    return merge_cores(thinned_sum, members, settings)


def thinned_sum(cores: Cores, settings: MergeSettings) -> Tensor:
    density = settings.density
    cores.check_density(density)
    if density >= 1:
        return cores.values.sum(0)
    total = torch.zeros_like(cores.values[0])
    for values, key in zip(cores.values, cores.keys, strict=True):
        streams = [f"{settings.seed} {key} {module} core" for module in cores.modules]
        bits = random_bits(streams, values[0].numel(), values.device)
        total.addcmul_(values, (bits < threshold(density)).view_as(values), value=1 / density)
    return total
