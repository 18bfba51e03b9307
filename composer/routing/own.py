"""An oracle: the adapter that was trained on the row's own task."""

from __future__ import annotations

from composer.errors import SettingsError
from composer.routing.strategy import Choice
from composer.types import TaskWeights


def choose(weights: TaskWeights, own: str | None) -> Choice:
    if own is None:
        raise SettingsError(
            "the strategy 'own' needs the task of the row, and a typed question has none. Choose 'retrieval'."
        )
    return ((own, 1.0),)
