"""The case studies to choose from: chips in the rail, and tiles with what this bank makes of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from composer.ui.cases import Case
from composer.ui.markup import esc
from composer.ui.palette import LIGHT, family_of


def chips(cases: tuple[Case, ...]) -> str:
    """Buttons by family; the client script tells the server which one was pressed."""
    families = [family for family in (*LIGHT, "other") if any(case.family == family for case in cases)]
    groups = []
    for family in families:
        buttons = "".join(
            f'<button type="button" class="ac-chip fam-{family}" data-case="{esc(case.slug)}"'
            f' data-hint="{esc(case.query)}">'
            f'<i aria-hidden="true"></i>{esc(case.title)}</button>'
            for case in cases
            if case.family == family
        )
        groups.append(f'<div class="ac-chip-group"><span>{esc(family)}</span>{buttons}</div>')
    return f'<div class="ac-cases"><h2>Try a case</h2>{"".join(groups)}</div>'


def tiles(cases: tuple[Case, ...], outcomes: dict[str, dict[str, Any]]) -> str:
    """All cases at a glance; their outcomes are those that a command computed for this bank."""
    buttons = "".join(
        f'<button type="button" class="fam-{esc(case.family)}" data-case="{esc(case.slug)}"><b>{esc(case.title)}</b>'
        f"<span>{esc(case.query)}</span>{_outcome(outcomes.get(case.slug))}</button>"
        for case in cases
    )
    return f'<div class="ac-gallery">{buttons}</div>'


def _outcome(outcome: dict[str, Any] | None) -> str:
    if outcome is None:
        return ""
    task = outcome["task"]
    return (
        f"<em>{_votes(outcome.get('votes', ()))}{esc(outcome['verdict'])}{_flips(outcome)}</em>"
        f'<em class="ac-top fam-{family_of(task)}"><i aria-hidden="true"></i>{esc(task)} {outcome["weight"]:.0%}</em>'
    )


def _flips(outcome: dict[str, Any]) -> str:
    """How many merges say something else than the base."""
    flips = outcome.get("flips")
    return "" if flips is None else f", {flips} against the base" if flips else ", as the base does"


def _votes(votes: Sequence[int]) -> str:
    """A square per method; those that agree have the same shade."""
    squares = "".join(f'<i class="ac-side-{min(side, 2)}"></i>' * count for side, count in enumerate(votes))
    return f'<span class="ac-votes" aria-hidden="true">{squares}</span>' if squares else ""
