"""The nucleus: the ribbon with its cut, and a bar per task beneath."""

from __future__ import annotations

from composer.types import TaskWeights
from composer.ui.charts.ribbon import in_percent
from composer.ui.markup import percent
from composer.ui.svg.shapes import FILL, INK, LINE, SOFT, box, color_of, headed, line, text

WIDTH, LEFT, BAR, ROW = 640, 150, 330, 24


def draw(weights: TaskWeights, question: str) -> str:
    kept_mass = 1 - sum(mass for _, mass in weights.dropped)
    masses = [*((task, weight * kept_mass, True) for task, weight in weights.kept)]
    masses += [(task, mass, False) for task, mass in weights.dropped]
    shares, votes = in_percent(weights)
    rows = [_row(i, *one, percent(votes[i]), percent(shares[i]) if one[2] else "cut") for i, one in enumerate(masses)]
    return headed(WIDTH, 130 + ROW * len(masses), "Task weights", question, [*_ribbon(masses, weights.top_p), *rows])


def _ribbon(masses: list[tuple[str, float, bool]], top_p: float) -> list[str]:
    parts, x, width = [], 20.0, WIDTH - 40
    for task, mass, kept in masses:
        parts.append(box(x, 40, mass * width - 1, 36, color_of(task) if kept else FILL))
        x += mass * width
    at = 20 + top_p * width
    anchor = "end" if top_p > 0.8 else "start" if top_p < 0.15 else "middle"
    head = [text(WIDTH - 210, 106, "share of the votes", fill=SOFT, size=11, anchor="end")]
    head.append(text(WIDTH - 20, 106, "weight", fill=SOFT, size=11, anchor="end"))
    return [*parts, line(at, 28, at, 82, dash="5 3"), text(at, 22, f"top-p {top_p:.2f}", anchor=anchor), *head]


def _row(number: int, task: str, mass: float, kept: bool, votes: str, weight: str) -> str:
    y = 118 + number * ROW
    bar = box(LEFT, y - 1, mass * BAR, 14, color_of(task) if kept else FILL, stroke="" if kept else LINE)
    ink = INK if kept else SOFT
    share = text(WIDTH - 90, y + 11, votes, anchor="end", fill=SOFT)
    return (
        text(LEFT - 10, y + 11, task, anchor="end", fill=ink)
        + bar
        + share
        + text(WIDTH - 20, y + 11, weight, anchor="end", fill=ink, bold=kept)
    )
