"""SpectR (arXiv 2504.03454): every token goes to the adapters whose updates change it most.

With an adapter's update B A as U S Vᵀ in a module, its score for a token x is the norm of S Vᵀ x, which is that of the
update's output: all directions count, where Arrow's score takes the first. Top_k 4 is that of the authors' code, which
then leaves the scores: it averages the four S Vᵀ and the four U with equal weights, so products of different adapters
slip in. Here a softmax of the scores, with temperature 1, weighs the updates themselves. The adapter's scaling is part
of its update, so of its score.
"""

from __future__ import annotations

from composer.routing.evidence import Evidence
from composer.routing.strategy import Gate

TOP_K = 4
TEMPERATURE = 1.0


def choose(evidence: Evidence) -> Gate:
    return Gate("spectr", tuple(sorted(evidence.tasks)), TOP_K, TEMPERATURE)
