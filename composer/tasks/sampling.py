"""A fixed number of usable examples out of any number of rows: which ones, the seed and their places decide."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from composer.errors import TaskError, unknown
from composer.tasks import find_task
from composer.tasks.draw import ticket
from composer.tasks.files import RawRow
from composer.tasks.sources import RowSource
from composer.tasks.task import Example, Task

PER_TASK = 2_000
SEED = 42
BAD_ROWS = ("skip", "refuse")


@dataclass(frozen=True)
class Drawn:
    """In the order of the rows."""

    examples: tuple[Example, ...]
    skipped: tuple[str, ...]
    """Of each bad row that the draw met: its place, what is wrong with it, and the remedy."""
    rows: int
    """How many there were to draw from."""


def draw_examples(
    source: RowSource,
    task: str,
    *,
    split: str = "train",
    count: int = PER_TASK,
    seed: int = SEED,
    bad_rows: str = "skip",
) -> Drawn:
    """`count` examples, or all where there are fewer. A bad row takes no place: the next in the draw does.

    One pass, and no more than `count` examples in memory. Raises TaskError for a bad row where `bad_rows` is "refuse",
    and in any case where no row is usable.
    """
    if bad_rows not in BAD_ROWS:
        raise TaskError(unknown("way with bad rows", bad_rows, BAD_ROWS))
    if count < 1:
        raise TaskError(f"{count} rows a task were asked for; at least 1 is needed.")
    described = find_task(task)
    best: list[tuple[int, int, Example]] = []
    skipped: list[str] = []
    seen = 0
    for raw in source.rows(task, split):
        seen += 1
        # A heap with the highest ticket first: it is the first to go.
        entry = -ticket(f"rows {seed}", row_id(task, split, raw.number))
        if len(best) == count and entry <= best[0][0]:
            continue
        try:
            example = _example(described, split, raw)
        except TaskError as error:
            if bad_rows == "refuse":
                raise TaskError(f"{error} Or leave such rows out: --bad-rows skip.") from error
            skipped.append(str(error))
            continue
        (heapq.heappushpop if len(best) == count else heapq.heappush)(best, (entry, raw.number, example))
    if not best:
        raise TaskError(f"{source.name} has no usable row of {task}. {skipped[0] if skipped else 'It is empty.'}")
    return Drawn(tuple(example for _, _, example in sorted(best, key=lambda one: one[1])), tuple(skipped), seen)


def row_id(task: str, split: str, number: int) -> str:
    return f"{task}-{split}-{number}"


def _example(task: Task, split: str, raw: RawRow) -> Example:
    try:
        row = raw.read()
    except TaskError as error:
        raise TaskError(f"{raw.place}: {error}") from error
    try:
        return task.example(row, row_id(task.name, split, raw.number))
    except TaskError as error:
        # The task names the row by its id; a person finds it by its place.
        raise TaskError(f"{raw.place}: {error.__cause__}") from error
