"""SMEAR (arXiv:2306.03745): one expert whose parameters are the average of all, weighted by the router's probabilities.

There the router is trained with the experts, one in each layer, from the layer's own input; here it is the logistic
regression of `router`, on the question's vector, and the experts are adapters that were trained apart.
"""

from __future__ import annotations

from composer.routing.evidence import Choice, Evidence
from composer.routing.ranking import by_probability, shares


def choose(evidence: Evidence) -> Choice:
    return shares(by_probability(evidence))
