"""Two candidates on the same rows: over all tasks, task by task, and on some of the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import compress

from composer.evaluation.results import Evaluation, TaskResult
from composer.evaluation.statistics import Comparison, mcnemar

Mask = Callable[[TaskResult], Iterable[bool]]
"""Of every row of a task, whether it counts."""


def every_row(result: TaskResult) -> Iterable[bool]:
    return (True for _ in result.golds)


def common(evaluation: Evaluation, *columns: str) -> tuple[TaskResult, ...]:
    """The tasks that have an adapter, and a cell in each of the columns."""
    return tuple(
        one for one in evaluation.tasks if not one.held_out and all(name in dict(one.cells) for name in columns)
    )


def right(tasks: Iterable[TaskResult], column: str, mask: Mask = every_row) -> tuple[bool, ...]:
    """Of every row that counts, task after task, whether it was answered right."""
    return tuple(one for result in tasks for one in compress(result.right(column), mask(result)))


def compare(evaluation: Evaluation, first: str, second: str, mask: Mask = every_row) -> Comparison | None:
    """None where no row has an answer of both."""
    tasks = common(evaluation, first, second)
    one, other = right(tasks, first, mask), right(tasks, second, mask)
    return mcnemar(one, other) if one else None


def by_task(evaluation: Evaluation, first: str, second: str) -> tuple[tuple[str, Comparison], ...]:
    return tuple((one.task, mcnemar(one.right(first), one.right(second))) for one in common(evaluation, first, second))


def agreement(evaluation: Evaluation, first: str, second: str) -> float | None:
    """Share of the rows for which both chose the same option."""
    pairs = [
        pair
        for one in common(evaluation, first, second)
        for pair in zip(dict(one.cells)[first].chosen, dict(one.cells)[second].chosen, strict=True)
    ]
    return sum(one == other is not None for one, other in pairs) / len(pairs) if pairs else None
