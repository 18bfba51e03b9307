"""The heaviest task's adapter alone: what merging adds is measured against this."""

from __future__ import annotations

from composer.routing.strategy import Choice
from composer.types import TaskWeights


def choose(weights: TaskWeights, own: str | None) -> Choice:
    return ((weights.heaviest, 1.0),)
