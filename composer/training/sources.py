"""The labelled examples that an adapter is trained on: the bank's own, a folder's, or those of the Hub's data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from composer.bank.examples import Examples, read_examples
from composer.bank.manifest import Bank
from composer.errors import TaskError
from composer.tasks import TASKS
from composer.tasks.draw import draw
from composer.tasks.sampling import SEED, draw_examples
from composer.tasks.sources import HUB, FirstOf, HubSource, RowSource, open_source
from composer.tasks.task import Example

OWN = "bank"


@dataclass(frozen=True)
class Labelled:
    """Examples of one task, in the order of their source."""

    examples: tuple[Example, ...]
    skipped: tuple[str, ...]
    """Of each bad row that was met: its place, and what is wrong with it."""
    origin: str
    """Where they are from, in words that hold on every machine."""


class ExampleSource(Protocol):
    def tasks(self) -> tuple[str, ...]: ...

    def examples(self, task: str, count: int) -> Labelled:
        """At most `count`, drawn by a fixed seed. Raises TaskError where there are none."""
        ...


def source_of(bank: Bank, names: Sequence[str]) -> ExampleSource:
    """`bank`, `hub` or folders; by default the bank's own examples, which may be those of the Hub. Raises TaskError."""
    if OWN in names and len(names) > 1:
        raise TaskError(f"the source {OWN!r} stands alone. Name it, or {HUB} and folders.")
    if names and OWN not in names:
        return FromRows(open_source(names))
    return FromRows(open_source([HUB])) if bank.examples is None else FromBank(bank)


@dataclass(frozen=True)
class FromRows:
    rows: RowSource

    def tasks(self) -> tuple[str, ...]:
        return self.rows.tasks()

    def examples(self, task: str, count: int) -> Labelled:
        drawn = draw_examples(self.rows, task, count=count)
        return Labelled(drawn.examples, drawn.skipped, _origin(self.rows, task))


def _origin(rows: RowSource, task: str) -> str:
    if isinstance(rows, FirstOf):
        return next((_origin(one, task) for one in rows.sources if task in one.tasks()), "unknown")
    source = TASKS[task].source
    config = f", {source.config}" if source.config else ""
    if not isinstance(rows, HubSource):
        return f"from a folder, in the columns of {source.hub_id}{config}"
    return f"from the Hub: {source.hub_id}{config}, split {source.train_split}"


class FromBank:
    def __init__(self, bank: Bank) -> None:
        self.bank = bank

    @cached_property
    def _all(self) -> Examples:
        if self.bank.examples is None:
            raise TaskError(f"the bank {self.bank.name!r} has no examples of its own. Name another source.")
        return read_examples(self.bank.examples.path)

    def tasks(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._all.tasks))

    def examples(self, task: str, count: int) -> Labelled:
        own = self._all
        gold = {own.row_ids[row]: own.golds[row] for row in own.rows_of(task)}
        chosen = set(draw((row_id for row_id, label in gold.items() if label is not None), count, f"rows {SEED}"))
        examples = tuple(_example(own, row) for row in own.rows_of(task) if own.row_ids[row] in chosen)
        if not examples:
            raise TaskError(f"the bank {self.bank.name!r} has no examples of {task} with an answer. Give --source.")
        return Labelled(examples, (), "the bank's own examples")


def _example(own: Examples, row: int) -> Example:
    """Of a row with an answer."""
    query = own.query(row)
    if query.gold is None:
        raise TaskError(f"the example {own.row_ids[row]} has no answer to learn.")
    return Example(
        own.tasks[row], own.row_ids[row], query.hint or "", query.text, query.options, query.gold, query.context
    )
