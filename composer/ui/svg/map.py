"""The neighbour map: all examples as small points, the neighbours over them, spokes from the question."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from composer.types import Neighbour
from composer.ui.charts.neighbour_map import POINTS_MAX, SPOKES, ExampleMap, near, star
from composer.ui.palette import LIGHT, OTHER, families_of
from composer.ui.svg.shapes import INK, box, color_of, headed, line, text

SIZE, MARGIN, LEGEND = 760, 24, 44


def draw(example_map: ExampleMap, neighbours: Sequence[Neighbour], question: str) -> str:
    found = near(example_map, neighbours)
    parts = [_background(example_map), *_spokes(found), *_neighbours(example_map, found), *_names(example_map)]
    middle = star(found)
    if middle is not None:
        x, y = _place(*middle)
        parts.append(text(x, y + 9, "★", anchor="middle", size=26))
    return headed(SIZE, SIZE + LEGEND, "Neighbour map", question, [*parts, *_legend(example_map)])


def _place(x: float, y: float) -> tuple[float, float]:
    inner = SIZE - 2 * MARGIN
    return MARGIN + x * inner, MARGIN + (1 - y) * inner


def _background(example_map: ExampleMap) -> str:
    """One path per task: a point is a line of no length with round ends, which keeps the file small."""
    step = -(-len(example_map.tasks) // POINTS_MAX)
    points: dict[str, list[str]] = defaultdict(list)
    for i in range(0, len(example_map.tasks), step):
        x, y = _place(*map(float, example_map.points[i]))
        points[example_map.tasks[i]].append(f"M{x:.1f} {y:.1f}h0")
    return "".join(
        f'<path d="{"".join(points[task])}" stroke="{color_of(task)}" stroke-width="3.4" stroke-linecap="round"'
        ' stroke-opacity="0.35"/>'
        for task in example_map.names
        if task in points
    )


def _spokes(found: list[list[Any]]) -> list[str]:
    middle = star(found)
    if middle is None:
        return []
    return [line(*_place(*middle), *_place(point[1], point[2]), opacity=0.4) for point in found[:SPOKES]]


def _neighbours(example_map: ExampleMap, found: list[list[Any]]) -> list[str]:
    parts = []
    for rank, (_, x, y, kind, *_) in reversed(list(enumerate(found))):
        px, py = _place(x, y)
        fill = color_of(example_map.names[kind])
        radius = 5 if rank < SPOKES else 3.4
        parts.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="{radius}" fill="{fill}" stroke="#FFFFFF"/>')
    return parts


def _names(example_map: ExampleMap) -> list[str]:
    halo = '<g stroke="#FFFFFF" stroke-width="3" paint-order="stroke" stroke-linejoin="round">'
    labels = [
        text(*_place(x, y), task, anchor="middle", size=11, fill=INK) for task, (x, y) in example_map.anchors.items()
    ]
    return [halo, *labels, "</g>"]


def _legend(example_map: ExampleMap) -> list[str]:
    parts = []
    for i, family in enumerate(families_of(example_map.names)):
        x = MARGIN + i * 122
        parts += [box(x, SIZE + 12, 10, 10, LIGHT.get(family, OTHER[0])), text(x + 16, SIZE + 21, family, size=12)]
    return parts
