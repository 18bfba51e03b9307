"""Equal weights over the nucleus: what retrieval's weights add is measured against this."""

from __future__ import annotations

from composer.routing.strategy import Choice
from composer.types import TaskWeights


def choose(weights: TaskWeights, own: str | None) -> Choice:
    share = 1.0 / len(weights.kept)
    return tuple((task, share) for task, _ in weights.kept)
