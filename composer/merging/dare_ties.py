"""TIES on randomly thinned factors: the entries that vote are drawn, not the largest."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from composer.config import MergeSettings
from composer.merging import ties
from composer.merging.method import Member


def merge(members: Sequence[Member], settings: MergeSettings) -> tuple[Tensor, Tensor]:
    """The members come thinned (`Method.seeded`); election and mean are those of TIES."""
    return ties.merge(members, settings)
