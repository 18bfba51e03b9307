"""Case studies: questions worth asking, one JSON file each, with what to look for. What the bank says is computed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from composer.config import ROOT
from composer.errors import ComposerError
from composer.merging import METHODS
from composer.types import Trace
from composer.ui.inputs import Inputs, option_lines
from composer.ui.markup import esc
from composer.ui.palette import LIGHT, family_of

FOLDER = ROOT / "assets" / "cases"


@dataclass(frozen=True)
class Case:
    slug: str
    title: str
    family: str
    query: str
    options: tuple[str, ...]
    look_for: str
    context: str = ""
    order: int = 100
    """The gallery's order, then by title."""
    printed: dict[str, Any] = field(default_factory=dict, hash=False)
    """What a paper printed of it: `source`, `weights` {task: weight} and `chosen` {method: index of the option}."""

    def matches(self, inputs: Inputs) -> bool:
        return (inputs.question.strip(), option_lines(inputs.options), inputs.passage.strip()) == (
            self.query,
            self.options,
            self.context,
        )


def load_cases(folder: Path = FOLDER) -> tuple[Case, ...]:
    """Raises ComposerError for a file that is not a case."""
    cases = [_read(path) for path in sorted(folder.glob("*.json"))]
    return tuple(sorted(cases, key=lambda case: (case.order, case.title)))


def _read(path: Path) -> Case:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Case(**{**values, "slug": path.stem, "options": tuple(values["options"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ComposerError(f"the case study {path.name} cannot be read: {error}. Correct the file.") from error


def case_of(inputs: Inputs, cases: tuple[Case, ...]) -> Case | None:
    return next((case for case in cases if case.matches(inputs)), None)


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
    return f'<div class="ac-cases"><h3>Try a case</h3>{"".join(groups)}</div>'


def note(case: Case | None, trace: Trace | None) -> str:
    """What to look for in the case on show, and what a paper printed of it beside what came out here."""
    if case is None:
        return ""
    return (
        f'<aside class="ac-case-note fam-{esc(case.family)}"><p><strong>{esc(case.title)}.</strong>'
        f" {esc(case.look_for)}</p>"
        f"{_printed(case, trace)}</aside>"
    )


def _printed(case: Case, trace: Trace | None) -> str:
    if not case.printed:
        return ""
    ours = dict(trace.weights.kept) if trace else {}
    tasks = sorted({*case.printed["weights"], *ours}, key=lambda t: -case.printed["weights"].get(t, 0))
    weights = "".join(
        f"<tr><th scope=row>{esc(task)}</th><td>{_share(case.printed['weights'].get(task))}</td>"
        f"<td>{_share(ours.get(task)) if trace else '…'}</td></tr>"
        for task in tasks
    )
    answers = "".join(
        f"<tr><th scope=row>{esc(METHODS[method].title)}</th><td>{esc(_letter(chosen))}</td>"
        f"<td>{_answered(trace, method)}</td></tr>"
        for method, chosen in case.printed["chosen"].items()
    )
    head = "<thead><tr><th scope=col>{}</th><th scope=col>Paper</th><th scope=col>This bank</th></tr></thead>"
    return (
        f'<details class="ac-printed"><summary>What the paper printed, beside this bank</summary><div>'
        f"<table>{head.format('Weight')}<tbody>{weights}</tbody></table>"
        f"<table>{head.format('Answer')}<tbody>{answers}</tbody></table></div><p>{esc(case.printed['source'])}</p>"
        "</details>"
    )


def _share(weight: float | None) -> str:
    return "–" if weight is None else f"{weight:.3f}"


def _letter(chosen: int) -> str:
    return chr(ord("A") + chosen)


def _answered(trace: Trace | None, method: str) -> str:
    found = [p for p in trace.predictions if p.method == method] if trace else []
    return _letter(found[0].chosen) if found else "…" if trace is None else "–"


def gallery(cases: tuple[Case, ...], outcomes: dict[str, dict[str, Any]]) -> str:
    """All cases at a glance; their outcomes are those that a command computed for this bank."""
    tiles = "".join(
        f'<button type="button" class="fam-{esc(case.family)}" data-case="{esc(case.slug)}"><b>{esc(case.title)}</b>'
        f"<span>{esc(case.query)}</span>{_outcome(outcomes.get(case.slug))}</button>"
        for case in cases
    )
    return f'<div class="ac-gallery">{tiles}</div>'


def _outcome(outcome: dict[str, Any] | None) -> str:
    if outcome is None:
        return ""
    task = outcome["task"]
    return (
        f"<em>{_votes(outcome.get('votes', ()))}{esc(outcome['verdict'])}</em>"
        f'<em class="ac-top fam-{family_of(task)}"><i aria-hidden="true"></i>{esc(task)} {outcome["weight"]:.0%}</em>'
    )


def _votes(votes: Sequence[int]) -> str:
    """A square per method; those that agree have the same shade."""
    squares = "".join(f'<i class="ac-side-{min(side, 2)}"></i>' * count for side, count in enumerate(votes))
    return f'<span class="ac-votes" aria-hidden="true">{squares}</span>' if squares else ""
