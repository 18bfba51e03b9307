"""What went into each merge: effective weights beside the weights asked for, and a sentence that reads them."""

from __future__ import annotations

from composer.merging import METHODS
from composer.types import Contribution, TaskWeights
from composer.ui.markup import esc, save_buttons
from composer.ui.palette import family_of, title_of
from composer.ui.words.glossary import explained

NOTABLE_SHARE = 1.25
"""How many times its share (or one over that) a task must get for the sentence to name it."""
NOTABLE_OFF_SPAN = 0.02
STRONG = 0.75
"""Share of the largest value above which a cell is dark enough for the other ink."""


def waiting() -> str:
    bars = '<div class="ac-skeleton-bar"></div>' * 2
    return f'<div class="ac-heat ac-skeleton" aria-hidden="true">{bars}</div>'


def draw(weights: TaskWeights, contributions: tuple[Contribution, ...], *, done: bool = True) -> str:
    if not contributions:
        return '<p class="ac-caption">No method answered, so there is nothing to measure.</p>' if done else waiting()
    asked = dict(weights.kept)
    top = max(abs(v) for v in [*asked.values(), *(v for c in contributions for _, v in c.effective)])
    heads = "".join(f'<th scope="col">{esc(METHODS[c.method].title)}</th>' for c in contributions)
    rows = "".join(_row(task, weight, contributions, top) for task, weight in weights.kept)
    sentences = "".join(_sentence(METHODS[c.method].title, reading(weights, c)) for c in contributions)
    return (
        '<div class="ac-heat"><div class="ac-scroll" tabindex="0" role="region" aria-label="Effective weights">'
        f'<table style="--columns:{len(contributions) + 1}">'
        f'<thead><tr><th scope="col">Task</th><th scope="col">{explained("Asked for", "asked for")}</th>{heads}</tr>'
        "</thead>"
        f"<tbody>{rows}</tbody><tfoot>{_feet(contributions)}</tfoot></table></div>"
        f'<ul class="ac-readings">{sentences}</ul>{save_buttons("heat", "effective weights") if done else ""}</div>'
    )


def reading(weights: TaskWeights, c: Contribution) -> str:
    """One method's column as a sentence."""
    title = METHODS[c.method].title
    exact = abs(c.norm_ratio - 1) < 0.005 and c.off_span < 0.005
    if exact:
        return f"{title} applied exactly what was asked for."
    shift = _largest_shift(weights, c)
    words = f"{title} applied {_size(c.norm_ratio)}" + (f" and {shift}" if shift else "")
    if c.off_span >= NOTABLE_OFF_SPAN:
        words += f"; {c.off_span:.0%} of what it applied is in none of the adapters"
    return f"{words}."


def _sentence(title: str, words: str) -> str:
    return f"<li><b>{esc(title)}</b>{esc(words.removeprefix(title))}</li>"


def _size(ratio: float) -> str:
    if f"{ratio:.2f}" == "1.00":
        return "the update at its full size"
    return f"{ratio:.2f} {'of' if ratio < 1 else 'times'} the update's size"


def _largest_shift(weights: TaskWeights, c: Contribution) -> str:
    """The task whose share of the effective weights moved most, if it moved by much."""
    effective = dict(c.effective)
    total = sum(effective.values())
    if total <= 0 or len(effective) < 2:
        return ""
    ratios = {task: max(effective[task] / total, 1e-6) / weight for task, weight in weights.kept if weight > 0.02}
    if not ratios:
        return ""
    task = max(ratios, key=lambda name: max(ratios[name], 1 / ratios[name]))
    ratio = ratios[task]
    if max(ratio, 1 / ratio) < NOTABLE_SHARE:
        return "kept the tasks' shares"
    if 1.9 <= ratio < 2.1:
        return f"gave {task} twice its share"
    return f"gave {task} {ratio:.2f} {'times' if ratio > 1 else 'of'} its share"


def _row(task: str, weight: float, contributions: tuple[Contribution, ...], top: float) -> str:
    cells = "".join(_cell(dict(c.effective)[task], top) for c in contributions)
    return (
        f'<tr class="fam-{family_of(task)}"><th scope="row" data-hint="{esc(title_of(task))}"><i aria-hidden="true">'
        f"</i>{esc(task)}</th>"
        f"{_cell(weight, top, asked=True)}{cells}</tr>"
    )


def _cell(value: float, top: float, *, asked: bool = False) -> str:
    strength = min(abs(value) / top, 1.0) if top > 0 else 0.0
    strong = strength > STRONG and not asked
    # no shade between the two ranges: neither ink can be read on it
    shade = 0.86 + 0.1 * (strength - STRONG) / (1 - STRONG) if strong else 0.03 + 0.72 * strength
    kinds = [
        kind for kind, holds in (("ac-asked", asked), ("ac-negative", value < -0.005), ("ac-strong", strong)) if holds
    ]
    text = f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")
    return f'<td class="{" ".join(kinds)}" style="--s:{shade:.3f}">{text}</td>'


def _feet(contributions: tuple[Contribution, ...]) -> str:
    sizes = "".join(f"<td>{c.norm_ratio:.2f}</td>" for c in contributions)
    off = "".join(f"<td>{c.off_span:.0%}</td>" for c in contributions)
    return (
        f'<tr><th scope="row">{explained("Size", "size")}</th><td>1.00</td>{sizes}</tr>'
        f'<tr><th scope="row">{explained("In no adapter", "in no adapter")}</th><td>0%</td>{off}</tr>'
    )
