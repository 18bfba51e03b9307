"""The nucleus: all tasks as one bar of 100 %, cut where top-p falls, and the weights that the merges get."""

from __future__ import annotations

from composer.types import TaskWeights
from composer.ui.markup import esc, percent, percents, save_buttons
from composer.ui.palette import family_of, title_of
from composer.ui.words.glossary import explained

LABELED = 0.085
"""Share of the ribbon below which a task's name does not fit on it."""
DROPPED_SHOWN = 6


def draw(weights: TaskWeights) -> str:
    kept_mass = 1 - sum(mass for _, mass in weights.dropped)
    shares, masses = in_percent(weights)
    total = len(weights.kept) + len(weights.dropped)
    head = (
        f'<p class="ac-caption"><b>{len(weights.kept)} of {total} task{"" if total == 1 else "s"}</b> '
        f"{'is' if len(weights.kept) == 1 else 'are'} in the {explained('nucleus', 'nucleus')} and"
        f" carr{'ies' if len(weights.kept) == 1 else 'y'} {percent(kept_mass * 100)} of the votes</p>"
    )
    kept_rows = "".join(
        _row(task, share, percent(share), mass, dropped=False)
        for (task, _), share, mass in zip(weights.kept, shares, masses, strict=False)
    )
    return (
        f'<div class="ac-nucleus">{head}{_ribbon(weights, kept_mass, masses)}{_header()}<ul'
        f' class="ac-weights">{kept_rows}</ul>{_dropped(weights, masses)}{save_buttons("weights", "weights")}</div>'
    )


def in_percent(weights: TaskWeights) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(weights of the kept tasks, votes of all tasks), as they are shown wherever they are: each adds up to 100."""
    kept_mass = 1 - sum(mass for _, mass in weights.dropped)
    votes = [*(weight * kept_mass for _, weight in weights.kept), *(mass for _, mass in weights.dropped)]
    return percents([weight for _, weight in weights.kept]), percents(votes)


def _ribbon(weights: TaskWeights, kept_mass: float, masses: tuple[float, ...]) -> str:
    every = [(task, weight * kept_mass, False) for task, weight in weights.kept]
    every += [(task, mass, True) for task, mass in weights.dropped]
    parts = [_part(*one, shown=shown) for one, shown in zip(every, masses, strict=True)]
    label = ", ".join(f"{task} {weight:.0%}" for task, weight in weights.kept)
    edge = " ac-cut-right" if weights.top_p > 0.8 else (" ac-cut-left" if weights.top_p < 0.15 else "")
    return (
        f'<div class="ac-ribbon-box"><div class="ac-cut{edge}" style="left:{weights.top_p * 100:.2f}%">'
        f"<span>top-p {weights.top_p:.2f}</span></div>"
        f'<div class="ac-ribbon" role="img" aria-label="Kept: {esc(label)}">{"".join(parts)}</div></div>'
    )


def _part(task: str, mass: float, dropped: bool, *, shown: float) -> str:
    name = f"<span>{esc(task)}</span>" if mass >= LABELED else ""
    state = " ac-dropped" if dropped else ""
    hover = f"{title_of(task)}: {percent(shown)} of the votes{', cut' if dropped else ''}"
    width = f"width:{mass * 100:.3f}%"
    return f'<div class="fam-{family_of(task)}{state}" style="{width}" data-hint="{esc(hover)}">{name}</div>'


def _header() -> str:
    return (
        f'<p class="ac-weights-head"><span>{explained("Task", "task")}</span><span>{explained("Share", "share")}</span>'
        f"<span>{explained('Weight', 'weight')}</span></p>"
    )


def _row(task: str, width: float, weight: str, mass: float, *, dropped: bool) -> str:
    return (
        f'<li class="fam-{family_of(task)}{" ac-dropped" if dropped else ""}" data-task="{esc(task)}">'
        f'<span class="ac-task" data-hint="{esc(title_of(task))}">{esc(task)}</span>'
        f'<span class="ac-bar" aria-hidden="true"><i style="width:{width:.2f}%"></i></span>'
        f'<span class="ac-mass">{percent(mass)}</span>'
        f'<b class="{"ac-cut-word" if dropped else "ac-weight"}">{weight}</b></li>'
    )


def _dropped(weights: TaskWeights, masses: tuple[float, ...]) -> str:
    rows = [
        _row(task, mass, "cut", mass, dropped=True)
        for (task, _), mass in zip(weights.dropped, masses[len(weights.kept) :], strict=True)
    ]
    if not rows:
        return ""
    shown, more = rows[:DROPPED_SHOWN], rows[DROPPED_SHOWN:]
    rest = (
        f"<details><summary>{len(more)} more</summary><ul class='ac-weights'>{''.join(more)}</ul></details>"
        if more
        else ""
    )
    return f'<ul class="ac-weights ac-weights-cut" aria-label="Cut tasks">{"".join(shown)}</ul>{rest}'
