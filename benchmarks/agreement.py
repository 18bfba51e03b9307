"""Both sides must give the same numbers before their times are worth comparing."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from composer.errors import ComposerError
from composer.merging import MergedAdapter


def largest_difference(ours: MergedAdapter, theirs: Mapping[str, tuple[Tensor, Tensor]]) -> float:
    """Over all entries of all factors."""
    worst = 0.0
    for stack in ours.stacks:
        for row, module in enumerate(stack.modules):
            for mine, other in zip((stack.a[row], stack.b[row]), theirs[module], strict=True):
                worst = max(worst, float((mine.float() - other.float()).abs().max()))
    return worst


def check(what: str, difference: float, tolerance: float) -> float:
    """Raises ComposerError where the two sides differ, as then one of them is wrong."""
    if not difference <= tolerance:
        raise ComposerError(
            f"{what}: this engine and PEFT differ by {difference:.2g}, and {tolerance:g} is allowed. "
            "Run the parity tests before any measurement."
        )
    return difference
