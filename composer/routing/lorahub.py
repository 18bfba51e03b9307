"""LoraHub (arXiv:2307.13269): weights of either sign, searched for on a few labelled rows without any gradient.

Minimized: the rows' mean loss + 0.05 sum |w_i|, each w_i in [-1.5, 1.5], from all zeros, by Nevergrad's NGOpt with a
budget of 40. Both factors carry the weights: A = sum w_i A_i, B = sum w_i B_i (method `average`). The penalty is the
paper's; its authors' code divides the sum by the number of adapters, which would leave 22 of them almost free.

Of what was tried the best is chosen, so the result is never worse than the base model by that measure.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from composer.routing.evidence import Choice, Evidence
from composer.routing.ranking import ranked

LARGEST = 1.5
PENALTY = 0.05
"""Nats for one unit of |weight|."""
BUDGET = 40
"""How many choices are tried."""
SEED = 42


def choose(evidence: Evidence) -> Choice:
    """Raises SettingsError where the evidence has no labelled rows."""
    tried: list[tuple[float, Choice]] = [(evidence.loss(()), ())]

    def objective(weights: np.ndarray) -> float:
        choice = _nonzero(evidence.tasks, weights)
        found = evidence.loss(choice) if choice else tried[0][0]
        tried.append((found + PENALTY * float(np.abs(weights).sum()), choice))
        return tried[-1][0]

    if evidence.tasks:
        _search(objective, len(evidence.tasks))
    # the first of equals, so that a choice that changes nothing does not take the place of none
    return min(tried, key=lambda one: one[0])[1]


def _nonzero(tasks: tuple[str, ...], weights: np.ndarray) -> Choice:
    return ranked({task: weight for task, weight in zip(tasks, weights.tolist(), strict=True) if weight})


def _search(objective: Callable[[np.ndarray], float], count: int) -> None:
    # imported here: it takes seconds, and nothing else needs it
    import nevergrad as ng

    weights = ng.p.Array(init=np.zeros(count), lower=-LARGEST, upper=LARGEST)
    weights.random_state.seed(SEED)
    optimizer = ng.optimizers.NGOpt(parametrization=weights, budget=BUDGET)
    with warnings.catch_warnings():
        # with few adapters NGOpt turns to COBYLA, and hands scipy a tolerance that it then corrects aloud
        warnings.filterwarnings("ignore", "COBYLA", UserWarning)
        optimizer.minimize(objective)
