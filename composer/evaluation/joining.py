"""Runs on the same rows as one evaluation: a long one is made in parts, by task or by candidate."""

from __future__ import annotations

from dataclasses import replace

from composer.errors import SettingsError
from composer.evaluation.results import Evaluation, TaskResult


def joined(first: Evaluation, second: Evaluation) -> Evaluation:
    """All tasks and columns of both; where both have a cell, the second's.

    Raises SettingsError where they differ in bank, split or settings, or in the rows of a task.
    """
    for what in ("bank", "split", "settings"):
        old, new = getattr(first, what), getattr(second, what)
        if old != new:
            raise SettingsError(
                f"the {what} of the results to join is {old!r}, and now {new!r}. Name another --output."
            )
    tasks = {one.task: one for one in first.tasks}
    for one in second.tasks:
        tasks[one.task] = _joined_task(tasks[one.task], one) if one.task in tasks else one
    computed = first.computed.split("; ")
    return replace(
        first,
        computed="; ".join(dict.fromkeys([*computed, *second.computed.split("; ")])),
        columns=tuple(dict.fromkeys([*first.columns, *second.columns])),
        tasks=tuple(sorted(tasks.values(), key=lambda one: one.held_out)),
    )


def _joined_task(first: TaskResult, second: TaskResult) -> TaskResult:
    if first.golds != second.golds:
        raise SettingsError(
            f"the results to join have {first.n} rows of {first.task}, and now {second.n}, or others. Use the "
            "same --limit, or name another --output."
        )
    return replace(
        first,
        cells=tuple({**dict(first.cells), **dict(second.cells)}.items()),
        routed=tuple({**dict(first.routed), **dict(second.routed)}.items()),
        types=second.types or first.types,
    )
