"""Where the questions of each task end, as a heat map: an SVG without a library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from composer.tasks import TASKS
from composer.ui.palette import LIGHT

CELL, LEFT, TOP = 26, 150, 132
INK, FAINT = "#111827", "#E5E7EB"
WRITTEN = 5
"""Percent from which a cell says its number."""


def draw(shares: Mapping[str, Mapping[str, float]], columns: Sequence[str], title: str) -> str:
    """`shares`: task of the question -> heaviest task -> percent. Rows and columns are colored by family."""
    width, height = LEFT + CELL * len(columns) + 16, TOP + CELL * len(shares) + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" font-family="sans-serif" '
        f'font-size="11" fill="{INK}">',
        f"<title>{title}</title>",
        f'<rect width="{width}" height="{height}" fill="#FFFFFF"/>',
        f'<text x="12" y="20" font-size="13">{title}</text>',
        *(_column(place, task) for place, task in enumerate(columns)),
    ]
    for place, (task, found) in enumerate(shares.items()):
        parts.append(_label(LEFT - 8, TOP + CELL * place + CELL / 2 + 4, task, "end"))
        parts += [_cell(place, number, name, task, found.get(name, 0.0)) for number, name in enumerate(columns)]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _column(place: int, task: str) -> str:
    x, y = LEFT + CELL * place + CELL / 2 + 4, TOP - 8
    return f'<g transform="translate({x:g} {y}) rotate(-60)">{_label(0, 0, task, "start")}</g>'


def _label(x: float, y: float, task: str, anchor: str) -> str:
    held_out = ' font-style="italic"' if TASKS[task].held_out else ""
    color = LIGHT[TASKS[task].family]
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{color}"{held_out}>{task}</text>'


def _cell(row: int, column: int, name: str, task: str, percent: float) -> str:
    x, y = LEFT + CELL * column, TOP + CELL * row
    fill = _shade(percent)
    border = INK if name == task else FAINT
    cell = (
        f'<rect x="{x + 1}" y="{y + 1}" width="{CELL - 2}" height="{CELL - 2}" fill="{fill}" stroke="{border}">'
        f"<title>{task} to {name}: {percent:.0f} %</title></rect>"
    )
    if percent < WRITTEN:
        return cell
    ink = "#FFFFFF" if percent > 45 else INK
    middle = f'x="{x + CELL / 2:g}" y="{y + CELL / 2 + 4:g}"'
    return f'{cell}<text {middle} text-anchor="middle" fill="{ink}" pointer-events="none">{percent:.0f}</text>'


def _shade(percent: float) -> str:
    """From white to the deep blue of the palette; the square root lifts small shares into sight."""
    part = (percent / 100) ** 0.5
    white, deep = (255, 255, 255), (7, 61, 217)
    mixed = (round(one + (other - one) * part) for one, other in zip(white, deep, strict=True))
    return "#" + "".join(f"{value:02X}" for value in mixed)
