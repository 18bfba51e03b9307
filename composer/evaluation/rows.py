"""The rows that are asked: a bank's own test rows, or a split of a folder or of the Hub's data sets."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from composer.bank.examples import read_examples
from composer.bank.manifest import Bank
from composer.errors import BankError, SettingsError, TaskError, unknown
from composer.tasks import TASKS
from composer.tasks.sources import RowSource
from composer.types import Query


@dataclass(frozen=True)
class TaskRows:
    """Of one task, in the order of their source; each query has its hint and its gold answer."""

    task: str
    ids: tuple[str, ...]
    queries: tuple[Query, ...]
    skipped: tuple[str, ...] = ()
    """Of each row that cannot be asked: its place, and what is wrong with it."""

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Under which what is found of a row is kept: equal for equal rows, however many are asked with them."""
        return tuple(
            f"{row_id} {hashlib.sha256(repr(query).encode()).hexdigest()[:12]}"
            for row_id, query in zip(self.ids, self.queries, strict=True)
        )


def rows_of_bank(bank: Bank, tasks: Sequence[str] | None, limit: int | None) -> tuple[TaskRows, ...]:
    """Raises BankError for a bank without test rows, TaskError for a task that it has none of."""
    if bank.evaluation is None:
        raise BankError(f"the bank {bank.name!r} has no test rows of its own. Name some: --source FOLDER or hub.")
    examples = read_examples(bank.evaluation.path)
    there = tuple(dict.fromkeys(examples.tasks))
    found = []
    for task in _chosen(there, tasks, bank):
        rows = [row for row in examples.rows_of(task) if examples.golds[row] is not None][:limit]
        if not rows:
            raise BankError(f"no test row of {task} in the bank {bank.name!r} has a right answer. Rebuild the bank.")
        ids, queries = zip(*((examples.row_ids[row], examples.query(row)) for row in rows), strict=True)
        found.append(TaskRows(task, ids, queries))
    return tuple(found)


def rows_of_source(
    source: RowSource, split: str, bank: Bank, tasks: Sequence[str] | None, limit: int | None
) -> tuple[TaskRows, ...]:
    """The first `limit` usable rows of each task. Raises TaskError where there are none."""
    there = source.tasks(split)
    if not there:
        raise TaskError(f"{source.name} has no rows of any task for the split {split!r}. Correct --source or --split.")
    return tuple(_read(source, task, split, limit) for task in _chosen(there, tasks, bank))


def _read(source: RowSource, task: str, split: str, limit: int | None) -> TaskRows:
    ids: list[str] = []
    queries: list[Query] = []
    skipped: list[str] = []
    for raw in source.rows(task, split):
        if len(ids) == limit:
            break
        try:
            example = TASKS[task].example(raw.read(), f"{task}-{split}-{raw.number}")
        except TaskError as error:
            skipped.append(f"{raw.place}: {error.__cause__ or error}")
            continue
        ids.append(example.row_id)
        queries.append(example.query())
    if not ids:
        raise TaskError(f"{source.name} has no usable row of {task}. {skipped[0] if skipped else 'It is empty.'}")
    return TaskRows(task, tuple(ids), tuple(queries), tuple(skipped))


def _chosen(there: Sequence[str], tasks: Sequence[str] | None, bank: Bank) -> tuple[str, ...]:
    """In the order of the rows, those last that the bank has no adapter of."""
    ordered = sorted(there, key=lambda task: task not in bank.tasks)
    for task in tasks or ():
        if task not in there:
            raise TaskError(unknown("task", task, there))
    if tasks is not None and not tasks:
        raise TaskError(f"no task was chosen. Choose at least one of {', '.join(sorted(there))}.")
    return tuple(task for task in ordered if tasks is None or task in tasks)


def check_limit(limit: int | None) -> None:
    if limit is not None and limit < 1:
        raise SettingsError(f"limit is {limit}; at least 1 row of each task is needed.")
