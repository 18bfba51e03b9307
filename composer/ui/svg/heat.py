"""What went into each merge: effective weights, tasks x methods, beside the weights asked for."""

from __future__ import annotations

from composer.merging import METHODS
from composer.types import Contribution, TaskWeights
from composer.ui.svg.shapes import INK, LINE, SOFT, box, color_of, headed, text

LEFT, CELL, ROW, TOP = 150, 118, 34, 54
HEAT = "#3552D6"


def draw(weights: TaskWeights, contributions: tuple[Contribution, ...], question: str) -> str:
    effective = ((METHODS[c.method].title, dict(c.effective)) for c in contributions)
    columns = [("Asked for", dict(weights.kept)), *effective]
    top = max(abs(value) for _, column in columns for value in column.values())
    parts = [
        text(LEFT + i * CELL + CELL / 2, 36, name, anchor="middle", bold=True, size=12)
        for i, (name, _) in enumerate(columns)
    ]
    for number, (task, _) in enumerate(weights.kept):
        y = TOP + number * ROW
        parts += [box(16, y + 10, 9, 9, color_of(task)), text(LEFT - 12, y + 20, task, anchor="end", size=12)]
        parts += [_cell(i, y, column[task], top, asked=i == 0) for i, (_, column) in enumerate(columns)]
    y = TOP + len(weights.kept) * ROW + 20
    sizes = ["1.00", *(f"{c.norm_ratio:.2f}" for c in contributions)]
    off_span = ["0%", *(f"{c.off_span:.0%}" for c in contributions)]
    parts += [*_foot(y, "Size", sizes), *_foot(y + 22, "In no adapter", off_span)]
    return headed(LEFT + len(columns) * CELL + 16, y + 40, "Effective weights", question, parts)


def _cell(column: int, y: float, value: float, top: float, *, asked: bool) -> str:
    x = LEFT + column * CELL
    strength = 0.0 if asked or top <= 0 else abs(value) / top
    fill = box(x + 2, y + 1, CELL - 4, ROW - 4, HEAT, opacity=strength, stroke=LINE if asked else "")
    ink = "#FFFFFF" if strength > 0.6 else INK
    return fill + text(x + CELL / 2, y + 20, f"{value:.2f}".replace("-", "−"), anchor="middle", fill=ink)


def _foot(y: float, name: str, values: list[str]) -> list[str]:
    cells = [text(LEFT + i * CELL + CELL / 2, y, v, anchor="middle", fill=SOFT) for i, v in enumerate(values)]
    return [text(LEFT - 12, y, name, anchor="end", fill=SOFT, size=12), *cells]
