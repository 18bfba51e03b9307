"""A trained router: logistic regression from a question's vector to its task, on the index's vectors.

The probabilities become the weights of a mixture. It is the plainest of learned routers, over whole questions: what a
learned boundary adds to neighbours and centroids is measured with it.
"""

from __future__ import annotations

from composer.routing.evidence import Choice, Evidence
from composer.routing.ranking import by_probability, shares

TOP = 3
LEAST = 0.01
"""The soft router leaves out tasks that are no likelier than this, unless all of them are: each costs a rank."""


def top1(evidence: Evidence) -> Choice:
    return shares(by_probability(evidence)[:1])


def top3(evidence: Evidence) -> Choice:
    return shares(by_probability(evidence)[:TOP])


def soft(evidence: Evidence) -> Choice:
    likely = by_probability(evidence)
    return shares(tuple(one for one in likely if one[1] > LEAST) or likely[:1])
