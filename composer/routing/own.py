"""An oracle: the adapter that was trained on the row's own task."""

from __future__ import annotations

from composer.routing.evidence import Choice, Evidence


def choose(evidence: Evidence) -> Choice:
    """Raises SettingsError for a typed question, whose task nobody knows."""
    return ((evidence.of_own(), 1.0),)
