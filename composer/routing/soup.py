"""Every adapter there is, averaged: what choosing adds at all is measured against this.

Model soups average fine-tuned weights (arXiv:2203.05482); here A and B are averaged apart from each other, as the
LoraRetriever authors' Fusion does with the few that it retrieves (arXiv:2402.09997).
"""

from __future__ import annotations

from composer.routing.evidence import Choice, Evidence
from composer.routing.ranking import equal_shares, ranked


def choose(evidence: Evidence) -> Choice:
    return equal_shares(ranked(dict.fromkeys(evidence.tasks, 1.0)))
