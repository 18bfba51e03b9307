"""Linear on trimmed factors: fewer small entries to interfere with. What was kept is not rescaled."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from composer.config import MergeSettings
from composer.merging import linear
from composer.merging.method import Member


def merge(members: Sequence[Member], settings: MergeSettings) -> tuple[Tensor, Tensor]:
    """The members come trimmed (`Method.prunes`), as trimming does not depend on the weights and is kept."""
    return linear.merge(members, settings)
