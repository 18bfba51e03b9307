"""What every strategy is: a choice of adapters and weights, or a gate, from the evidence of one question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from composer.routing.evidence import Choice, Evidence


@dataclass(frozen=True)
class Gate:
    """Weights per token and module, made within the forward pass, instead of one merge for the whole question."""

    rule: str
    """A row of merging's GATES."""
    tasks: tuple[str, ...]
    """Whose adapters take part, sorted."""
    top_k: int
    """How many of them a token may use."""
    temperature: float = 1.0
    """What the scores are divided by before their softmax."""


@dataclass(frozen=True)
class Strategy:
    choose: Callable[[Evidence], Choice | Gate]
    title: str
    description: str
    blind: bool = False
    """Does not look at what was retrieved: the same for a row, however it is asked."""
    needs_own: bool = False
    """True for an oracle: it can only be evaluated on rows whose task is known."""
    needs_rows: bool = False
    """Wants a few labelled rows of the question's task."""
