"""LoRAuter (arXiv:2601.21795): the tasks whose centroids are nearest to the question, weighted by a softmax.

w_i = exp(cos(q, c_i) / tau) / sum over the k nearest, and the adapters' outputs are mixed by these weights. A task's
centroid is the mean of its examples' vectors, brought to length 1.

There the centroids are of small validation sets, the encoder is trained to tell tasks apart, and each task's adapter is
the one out of a pool that does best on its validation set. Here the centroids are of the index, the encoder is the
frozen MiniLM, and each task has its own adapter.
"""

from __future__ import annotations

import math

from composer.routing.evidence import Choice, Evidence
from composer.routing.ranking import by_cosine, shares

TOP = 3
"""As LoraRetriever's, and as the paper's is reported."""
TEMPERATURE = 0.05
"""Ours; the paper's could not be looked up. Of .02 to .5, the values from .03 to .05 gave the own task the most weight
where it is among the three: by mean log weight, on 840 development questions through the examples that ship."""


def choose(evidence: Evidence) -> Choice:
    nearest = by_cosine(evidence)[:TOP]
    # from the largest, so that no exponential overflows
    return shares(tuple((task, math.exp((cosine - nearest[0][1]) / TEMPERATURE)) for task, cosine in nearest))
