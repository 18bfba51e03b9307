"""The base model without any adapter: what every gain is measured against."""

from __future__ import annotations

from composer.routing.strategy import Choice
from composer.types import TaskWeights


def choose(weights: TaskWeights, own: str | None) -> Choice:
    return ()
