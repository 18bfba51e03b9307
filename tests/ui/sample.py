"""A run made by hand: no model, so that what the page draws is tested in milliseconds."""

from __future__ import annotations

from dataclasses import replace

from composer.types import Contribution, Failure, Neighbour, Prediction, Query, TaskWeights, Trace
from composer.ui.inputs import Inputs

HOSTILE = "<img src=x onerror=alert(1)> ${alert(2)} `x` {{value}} $\\href{javascript:alert(3)}{y}$ \"'"
METHODS = ("linear", "cat", "ties", "magnitude_prune")


def inputs(**changes: object) -> Inputs:
    start = Inputs("Where?", "here\nthere", "", 0.9, 100, "inverse", 0.7, "frequency", "tokens", METHODS, False)
    return replace(start, **changes)


def prediction(method: str, chosen: int, options: int = 2) -> Prediction:
    high, low = 0.7, 0.3 / (options - 1)
    probabilities = tuple(high if i == chosen else low for i in range(options))
    return Prediction(method, probabilities, probabilities, probabilities, chosen, 12.0)


def trace(chosen: dict[str, int], *, options: tuple[str, ...] = ("here", "there"), failed: str | None = None) -> Trace:
    weights = TaskWeights((("piqa", 0.75), ("copa", 0.25)), (("sst2", 0.1),), 0.9, "inverse")
    methods = [method for method in chosen if method != failed]
    return Trace(
        Query("Where?", options),
        (
            Neighbour("piqa", "hint\nGoal: to sit", 0.5, 0.66, "piqa/1"),
            Neighbour("sst2", "hint\ndull", 0.9, 0.5, "sst2/1"),
        ),
        weights,
        (prediction("base", 0, len(options)), *(prediction(m, chosen[m], len(options)) for m in methods)),
        tuple(Contribution(m, (("piqa", 0.5), ("copa", 0.5)), 0.1, 0.48) for m in methods),
        (("score", 1.0),),
        "test",
        (Failure(failed, "the ranks differ. Choose cat."),) if failed else (),
    )
