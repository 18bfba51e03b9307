"""Linear on randomly thinned factors: fewer entries meet, and what stays is scaled up for what went."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from composer.config import MergeSettings
from composer.merging import linear
from composer.merging.method import Member


def merge(members: Sequence[Member], settings: MergeSettings) -> tuple[Tensor, Tensor]:
    """The members come thinned (`Method.seeded`). The expected factors are those of linear."""
    return linear.merge(members, settings)
