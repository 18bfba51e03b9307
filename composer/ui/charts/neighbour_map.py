"""The neighbour map: all of the bank's examples in two dimensions, and where the question falls among them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from composer.bank.examples import read_examples
from composer.bank.manifest import Bank
from composer.retrieval.projection import MAP_FILE, quick_projection, read_map
from composer.types import Neighbour
from composer.ui.markup import data, esc, save_buttons, term
from composer.ui.palette import families_of, family_of, title_of

CELLS = 24
"""Per axis of the grid on which the densest place of a task is looked for."""
APPROXIMATE = term(
    "Positions are approximate.",
    "384 dimensions do not fit on a plane. Similarities are measured in all of them; the picture keeps most of what is"
    " near together, not all.",
)
POINTS_MAX = 12_000
"""Points in the picture; of a larger bank, every so many-th example is drawn. Neighbours are always drawn."""
SPOKES = 10
GRID = 65_535
"""Positions go to the browser as 16-bit integers."""


@dataclass(frozen=True, eq=False)
class ExampleMap:
    """Columns of equal length, in the order of the bank's examples."""

    row_ids: tuple[str, ...]
    tasks: tuple[str, ...]
    texts: tuple[str, ...]
    points: np.ndarray
    """(n, 2), each axis from 0 to 1"""

    @classmethod
    def of(cls, bank: Bank) -> ExampleMap | None:
        """From the bank's shipped map; without one, a rougher picture is made here. None without shipped vectors."""
        examples = read_examples(bank.examples.path) if bank.examples else None
        if examples is None or examples.vectors is None:
            return None
        shipped = next((file.path for file in bank.files if file.path.name == MAP_FILE), None)
        points = quick_projection(examples.vectors)
        if shipped is not None:
            positions = read_map(shipped)
            place = dict(zip(positions.row_ids, positions.points, strict=True))
            points = np.stack([place.get(row, points[i]) for i, row in enumerate(examples.row_ids)])
        return cls(examples.row_ids, examples.tasks, examples.texts, points)

    @cached_property
    def index_of(self) -> dict[str, int]:
        return {row_id: i for i, row_id in enumerate(self.row_ids)}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The tasks on the map, family by family."""
        return tuple(task for members in families_of(tuple(sorted(set(self.tasks)))).values() for task in members)

    @cached_property
    def anchors(self) -> dict[str, tuple[float, float]]:
        """Where a task's name goes: the middle of its densest place. A median may fall between two clusters."""
        own = np.array(self.tasks)
        return {task: _densest(self.points[own == task]) for task in self.names}

    def client_data(self) -> dict[str, Any]:
        """What the client script paints the background from: positions and tasks, no text."""
        step = -(-len(self.row_ids) // POINTS_MAX)
        drawn = np.arange(0, len(self.row_ids), step)
        number = {task: i for i, task in enumerate(self.names)}
        tasks = np.array([number[self.tasks[i]] for i in drawn], dtype="<u2")
        grid = np.round(self.points[drawn] * GRID).astype("<u2")
        families = [family_of(task) for task in self.names]
        return {
            "tasks": [
                {"name": task, "family": family, "mark": families[:i].count(family), "at": self.anchors[task]}
                for i, (task, family) in enumerate(zip(self.names, families, strict=True))
            ],
            "step": step,
            "x": _base64(grid[:, 0]),
            "y": _base64(grid[:, 1]),
            "task": _base64(tasks),
        }

    def read(self, index: int) -> dict[str, str]:
        """One example for the reading pane; empty for an index that does not exist."""
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(self.texts):
            return {}
        task = self.tasks[index]
        return {"task": task, "title": title_of(task), "family": family_of(task), "text": self.texts[index]}


ZOOM = (
    '<div class="ac-zoom" role="group" aria-label="Zoom of the map">'
    '<button type="button" data-zoom="in" aria-label="Zoom in" aria-disabled="false">+</button>'
    '<button type="button" data-zoom="out" aria-label="Zoom out" aria-disabled="true">−</button>'
    '<button type="button" data-zoom="all" aria-label="Show the whole map" aria-disabled="true"'
    ' data-hint="The whole map; a double click does it too">⤢</button></div>'
)


def draw(example_map: ExampleMap | None, neighbours: Sequence[Neighbour], question: str = "") -> str:
    """The question goes into the picture that can be saved."""
    if example_map is None:
        return (
            '<p class="ac-caption">These examples ship without a map, so they cannot be drawn. The list has them.</p>'
        )
    found = near(example_map, neighbours)
    legend = "".join(
        f'<button type="button" class="ac-chip fam-{family}" data-family="{esc(family)}" aria-pressed="false" '
        f'data-hint="{esc(", ".join(members))}"><i aria-hidden="true"></i>{esc(family)}</button>'
        for family, members in families_of(example_map.names).items()
    )
    first = ", ".join(dict.fromkeys(n.task for n in neighbours[:SPOKES]))
    label = f"Map of {len(example_map.row_ids):,} training examples; the nearest to the question belong to {first}"
    return (
        f'<div class="ac-map" data-near="{data(found)}" data-star="{data(star(found))}"'
        f' data-question="{esc(question)}">'
        f'<div class="ac-map-stage"><canvas role="img" aria-label="{esc(label)}"></canvas>'
        f'<div class="ac-tip" hidden></div>{ZOOM}</div>'
        f'<div class="ac-legend" role="group" aria-label="Highlight a family of tasks">{legend}</div>'
        f'<p class="ac-caption">★ is your question; lines lead to its ten nearest examples. {APPROXIMATE}</p>'
        f"{save_buttons('map', 'map', png=True)}</div>"
    )


def star(found: Sequence[Sequence[Any]]) -> list[float] | None:
    """Where the question goes: the mean of its nearest neighbours' positions, weighted by similarity."""
    closest = found[:SPOKES]
    total = sum(max(point[4], 0.0) for point in closest)
    if total <= 0:
        return None
    return [round(sum(max(point[4], 0.0) * point[axis] for point in closest) / total, 4) for axis in (1, 2)]


def near(example_map: ExampleMap, neighbours: Sequence[Neighbour]) -> list[list[Any]]:
    """[index, x, y, task number, cosine similarity, row id] of each neighbour that is on the map."""
    number = {task: i for i, task in enumerate(example_map.names)}
    found = []
    for neighbour in neighbours:
        index = example_map.index_of.get(neighbour.row_id)
        if index is not None:
            x, y = (round(float(value), 4) for value in example_map.points[index])
            similarity = round(neighbour.similarity, 3)
            found.append([index, x, y, number[example_map.tasks[index]], similarity, neighbour.row_id])
    return found


def _densest(points: np.ndarray) -> tuple[float, float]:
    """Mean of the points in the 3 x 3 cells that hold most of them."""
    cells = np.clip((points * CELLS).astype(int), 0, CELLS - 1)
    counts = np.zeros((CELLS + 2, CELLS + 2), dtype=int)  # with a margin, so that every cell has neighbours
    np.add.at(counts, (cells[:, 0] + 1, cells[:, 1] + 1), 1)
    around = np.lib.stride_tricks.sliding_window_view(counts, (3, 3)).sum(axis=(2, 3))
    middle = np.unravel_index(around.argmax(), around.shape)
    x, y = points[(np.abs(cells - middle) <= 1).all(axis=1)].mean(axis=0)
    return round(float(x), 4), round(float(y), 4)


def _base64(numbers: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(numbers).tobytes()).decode()
