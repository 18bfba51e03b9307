"""What every strategy is: a choice of adapters and weights from the task weights of one question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from composer.types import TaskWeights

Choice = tuple[tuple[str, float], ...]
"""(task, weight), heaviest first; empty means the base model alone."""


@dataclass(frozen=True)
class Strategy:
    choose: Callable[[TaskWeights, str | None], Choice]
    """Takes the task weights and the row's own task (None where nobody knows it: a typed question)."""
    title: str
    description: str
    blind: bool = False
    """Does not look at the question: the same adapters for every row of a task, however it is asked."""
    needs_own: bool = False
    """True for an oracle: it can only be evaluated on rows whose task is known."""
