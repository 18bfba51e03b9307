"""The heaviest task's adapter alone: what merging adds is measured against this."""

from __future__ import annotations

from composer.routing.evidence import Choice, Evidence


def choose(evidence: Evidence) -> Choice:
    return ((evidence.weights.heaviest, 1.0),)
