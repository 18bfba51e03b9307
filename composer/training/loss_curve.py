"""The loss curve as a table and as a picture: an SVG of a few hundred bytes that a model card can show."""

from __future__ import annotations

import csv
from pathlib import Path

from composer.training.history import Points

CSV_FILE, PICTURE_FILE = "loss.csv", "loss.svg"
WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 40, 40
TICKS = 5


def write_loss_curve(folder: Path, points: Points, title: str) -> None:
    with (folder / CSV_FILE).open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("step", "loss"))
        writer.writerows(points)
    (folder / PICTURE_FILE).write_text(draw(points, title), encoding="utf-8")


def read_loss_curve(folder: Path) -> list[tuple[int, float]]:
    """What `write_loss_curve` wrote."""
    with (folder / CSV_FILE).open(newline="") as file:
        return [(int(row["step"]), float(row["loss"])) for row in csv.DictReader(file)]


def draw(points: Points, title: str) -> str:
    """Steps to the right, loss upwards from zero."""
    last = max((step for step, _ in points), default=1)
    top = max((loss for _, loss in points), default=1.0) * 1.05 or 1.0
    line = " ".join(f"{_x(step, last):.1f},{_y(loss, top):.1f}" for step, loss in points)
    first, final = (points[0][1], points[-1][1]) if points else (0.0, 0.0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'font-family="sans-serif" font-size="12" fill="#374151">',
        f"<title>{_escaped(title)}: the loss goes from {first:.3f} to {final:.3f} in {last} steps</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#FFFFFF"/>',
        f'<text x="{LEFT}" y="22" font-size="14" fill="#111827">{_escaped(title)}</text>',
        *(_level(top * number / TICKS, top) for number in range(TICKS + 1)),
        *(_step(round(last * number / TICKS), last) for number in range(TICKS + 1)),
        f'<polyline points="{line}" fill="none" stroke="#073DD9" stroke-width="2" stroke-linejoin="round"/>',
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">steps</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _x(step: int, last: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * step / max(last, 1)


def _y(loss: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * loss / top


def _level(loss: float, top: float) -> str:
    y = _y(loss, top)
    return (
        f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#E5E7EB"/>'
        f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{loss:.2f}</text>'
    )


def _step(step: int, last: int) -> str:
    return f'<text x="{_x(step, last):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{step}</text>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
