"""The exact sum with its singular values evened out: no direction that adapters share drowns what one of them has.

The rule is Iso-C's (Marczak et al., 2025, arXiv:2502.04959), in Core Space.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from composer.config import MergeSettings
from composer.merging.core_space import VANISHED, Cores, merge_cores
from composer.merging.method import Member


def merge(members: Sequence[Member], settings: MergeSettings) -> tuple[Tensor, Tensor]:
    """Every singular value of M = sum of M_i is set to their mean. Directions that cancel out have none and get none.

    One adapter alone is changed as well. A negative weight turns the adapter's part of the sum; what comes of it has
    the same strength in every direction, like any other sum.
    """
    return merge_cores(evened, members, settings)


def evened(cores: Cores, settings: MergeSettings) -> Tensor:
    left, values, right = torch.linalg.svd(cores.values.sum(0), full_matrices=False)
    present = values > VANISHED * values[:, :1]
    mean = (values * present).sum(1) / present.sum(1).clamp(min=1)
    return (left * present.unsqueeze(1)) @ right * mean[:, None, None]
