"""The plain sum in Core Space: what cat gives, at a rank that degenerate adapters make smaller."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from composer.config import MergeSettings
from composer.merging.core_space import Cores, merge_cores
from composer.merging.method import Member


def merge(members: Sequence[Member], settings: MergeSettings) -> tuple[Tensor, Tensor]:
    """M = sum of M_i. Exactly the weighted sum of the updates, whatever the signs of the weights."""
    return merge_cores(total, members, settings)


def total(cores: Cores, settings: MergeSettings) -> Tensor:
    return cores.values.sum(0)
