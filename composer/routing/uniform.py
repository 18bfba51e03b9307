"""Equal weights over the nucleus: what retrieval's weights add is measured against this."""

from __future__ import annotations

from composer.routing.evidence import Choice, Evidence


def choose(evidence: Evidence) -> Choice:
    share = 1.0 / len(evidence.weights.kept)
    return tuple((task, share) for task, _ in evidence.weights.kept)
