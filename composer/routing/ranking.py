"""The tasks in order of a measure, heaviest first and ties by name, and the measures that read the index's vectors."""

from __future__ import annotations

import math
from collections.abc import Mapping

from composer.routing.evidence import Choice, Evidence
from composer.routing.examples import ExampleVectors


def ranked(measures: Mapping[str, float]) -> Choice:
    """By size, whatever the sign; ties by name."""
    return tuple(sorted(measures.items(), key=lambda item: (-abs(item[1]), item[0])))


def shares(choice: Choice) -> Choice:
    """The same tasks in the same order, weights summing to 1. The weights are at least 0, and not all of them are 0."""
    total = math.fsum(weight for _, weight in choice)
    return tuple((task, weight / total) for task, weight in choice)


def equal_shares(choice: Choice) -> Choice:
    return tuple((task, 1.0 / len(choice)) for task, _ in choice)


def by_cosine(evidence: Evidence, examples: int | None = None) -> Choice:
    """The cosine of the question with the mean of each task's first `examples` vectors, or of all; nearest first.

    Empty where no task that may be chosen has examples. Raises SettingsError where the evidence has no vectors.
    """
    vectors = _of_choosable(evidence)
    if not vectors.tasks:
        return ()
    cosines = vectors.means(examples) @ evidence.vector()
    return tuple(sorted(zip(vectors.tasks, cosines.tolist(), strict=True), key=lambda item: (-item[1], item[0])))


def by_probability(evidence: Evidence) -> Choice:
    """The classifier's probability of each task, likeliest first. Empty, or raises, as `by_cosine`."""
    vectors = _of_choosable(evidence)
    return ranked(vectors.probabilities(evidence.vector())) if vectors.tasks else ()


def _of_choosable(evidence: Evidence) -> ExampleVectors:
    vectors = evidence.vectors()
    return vectors.without(frozenset(vectors.tasks) - frozenset(evidence.tasks))
