"""The neighbours as a list: the map's twin for keyboards and screen readers, with the true similarities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from composer.routing.closeness import warning
from composer.types import Neighbour, TaskWeights
from composer.ui.markup import esc, shortened
from composer.ui.palette import family_of, title_of
from composer.ui.words.glossary import explained

PREVIEW_CHARS = 220


def draw(neighbours: Sequence[Neighbour], weights: TaskWeights) -> str:
    kept = {task for task, _ in weights.kept}
    rows = "".join(_row(neighbour, neighbour.task in kept) for neighbour in neighbours)
    return (
        f'<div class="ac-list">{closeness(neighbours)}{_filter(neighbours)}'
        '<a class="ac-skip" href="#ac-answers">Skip the list</a>'
        f'<div class="ac-list-head"><span>{explained("Neighbour", "neighbour")}</span>'
        f"<span>{explained('Similarity', 'similarity')}</span></div>"
        f'<ol class="ac-neighbours">{rows}</ol></div>'
    )


def closeness(neighbours: Sequence[Neighbour]) -> str:
    """How near the nearest is, in a sentence; a warning before it where that is not near."""
    if not neighbours:
        return ""
    doubt = warning(neighbours)
    task, count = Counter(neighbour.task for neighbour in neighbours).most_common(1)[0]
    return (f'<p class="ac-note">{esc(doubt)}</p>' if doubt else "") + (
        f'<p class="ac-caption ac-closeness">The nearest example has a similarity of <b>'
        f"{neighbours[0].similarity:.2f}</b>."
        f" Of {len(neighbours)} neighbours, <b>{count}</b> belong to <b>{esc(task)}</b>.</p>"
    )


def _filter(neighbours: Sequence[Neighbour]) -> str:
    counts = Counter(neighbour.task for neighbour in neighbours)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    chips = "".join(
        f'<button type="button" class="ac-chip fam-{family_of(task)}" data-filter="{esc(task)}" aria-pressed="false">'
        f'<i aria-hidden="true"></i>{esc(task)} <b>{count}</b></button>'
        for task, count in ordered
    )
    whole = (
        '<button type="button" class="ac-chip" data-filter="" aria-pressed="true">'
        f"all <b>{len(neighbours)}</b></button>"
    )
    return f'<div class="ac-filter" role="group" aria-label="Show the neighbours of one task">{whole}{chips}</div>'


def _row(neighbour: Neighbour, kept: bool) -> str:
    state = "" if kept else " ac-dropped"
    hover = f"Cosine distance {neighbour.distance:.3f}; its vote is {neighbour.vote:.3f} under the chosen kernel."
    return (
        f'<li class="fam-{family_of(neighbour.task)}{state}" data-task="{esc(neighbour.task)}"'
        f' data-row="{esc(neighbour.row_id)}"><details>'
        '<summary><i aria-hidden="true"></i>'
        f'<span class="ac-task" data-hint="{esc(title_of(neighbour.task))}">{esc(neighbour.task)}</span>'
        f'<span class="ac-preview">{esc(shortened(_without_hint(neighbour.text), PREVIEW_CHARS))}</span>'
        f'<b data-hint="{esc(hover)}">{neighbour.similarity:.2f}</b></summary>'
        f'<p class="ac-whole">{esc(neighbour.text)}</p></details></li>'
    )


def _without_hint(text: str) -> str:
    """The hint is the first line and the same for all of a task's examples."""
    return text.partition("\n")[2] or text
