"""What a strategy may look at when it chooses adapters for one question."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from composer.errors import SettingsError
from composer.routing.examples import ExampleVectors
from composer.types import Neighbour, Query, TaskWeights

Choice = tuple[tuple[str, float], ...]
"""(task, weight), heaviest first; empty means the base model alone. Weights may be negative."""
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Evidence:
    """Of one question. What costs something to have is a function, called only by the strategies that read it."""

    query: Query
    neighbours: tuple[Neighbour, ...]
    weights: TaskWeights
    tasks: tuple[str, ...]
    """Whose adapters may be chosen: the bank's, without those that are taken away."""
    own: str | None = None
    """The row's own task; None where nobody knows it: a typed question."""
    embed: Callable[[], np.ndarray] | None = None
    """Gives the question's vector, (384,) of length 1."""
    examples: Callable[[], ExampleVectors] | None = None
    """Gives the index's vectors, without those of the tasks that are taken away."""
    look: Callable[[], Mapping[str, np.ndarray]] | None = None
    """Gives what each adapter of `tasks` would add to the last prompt token at one module: task -> (out_features,)."""
    trial: Callable[[Choice], float] | None = None
    """Gives the mean loss (nats) of a choice, merged by `average`, on a few labelled rows of the row's task."""

    def of_own(self) -> str:
        """Raises SettingsError where the row's task is not known."""
        if self.own is None:
            raise SettingsError("the row's own task is needed, and a typed question has none. Choose 'retrieval'.")
        return self.own

    def vector(self) -> np.ndarray:
        """Raises SettingsError where there is none."""
        return _had(self.embed, "the question's vector")()

    def vectors(self) -> ExampleVectors:
        """Raises SettingsError where there are none."""
        return _had(self.examples, "the index's vectors")()

    def looked(self) -> Mapping[str, np.ndarray]:
        """Raises SettingsError where the model cannot be looked at."""
        return _had(self.look, "a look at the model")()

    def loss(self, choice: Choice) -> float:
        """Raises SettingsError where there are no labelled rows."""
        return _had(self.trial, "at least 5 labelled rows of the question's task")(choice)


def _had(means: T | None, what: str) -> T:
    if means is None:
        raise SettingsError(f"this strategy needs {what}, which is not at hand here. Choose 'retrieval'.")
    return means
