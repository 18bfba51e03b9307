"""What an evaluation found: which option every candidate chose of every row, from which all figures follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from composer.config import Settings
from composer.evaluation.statistics import Interval, interval_of_mean, wilson

SEEN, UNSEEN = "seen", "unseen"


@dataclass(frozen=True)
class Cell:
    """One candidate on the rows of one task."""

    chosen: tuple[int | None, ...]
    """Of every row the place of the option, under the settings' normalization; None where a merge failed."""
    correct: tuple[tuple[str, int], ...]
    """(normalization, rows answered right under it). A row without an answer counts as wrong."""

    @property
    def n(self) -> int:
        return len(self.chosen)

    @property
    def failed(self) -> int:
        return sum(one is None for one in self.chosen)

    def accuracy(self, normalization: str) -> float:
        return dict(self.correct)[normalization] / self.n


@dataclass(frozen=True)
class Routed:
    """Where retrieval alone led the rows of one task, asked in one way and setting."""

    heaviest: int
    """Rows whose own task has the largest weight; always 0 where it is taken away."""
    in_nucleus: int
    sizes: tuple[int, ...]
    """Tasks in each row's nucleus."""
    nearest: tuple[float, ...]
    """Cosine similarity of each row's nearest example."""

    @property
    def n(self) -> int:
        return len(self.sizes)


@dataclass(frozen=True)
class TaskResult:
    task: str
    golds: tuple[int, ...]
    """The place of each row's right option."""
    cells: tuple[tuple[str, Cell], ...]
    """(column, cell); a held-out task has none for a candidate that needs the task's own adapter."""
    routed: tuple[tuple[str, Routed], ...]
    """(way and setting, where it led); empty for a held-out task, which retrieval cannot find."""
    held_out: bool = False
    types: tuple[tuple[str, tuple[bool, ...]], ...] = ()
    """(error type, of every row whether its question is of that type): see `error_types`."""

    @property
    def n(self) -> int:
        return len(self.golds)

    @property
    def majority(self) -> int:
        """Rows that the most frequent right answer's place would have right: what guessing without a look gives."""
        return max(self.golds.count(place) for place in set(self.golds))

    def right(self, column: str) -> tuple[bool, ...]:
        """Of every row, whether the column's answer is the right one."""
        chosen = dict(self.cells)[column].chosen
        return tuple(one == gold for one, gold in zip(chosen, self.golds, strict=True))

    def interval(self, column: str) -> Interval:
        """95 % of the accuracy under the settings' normalization."""
        right = self.right(column)
        return wilson(sum(right), len(right))


@dataclass(frozen=True)
class Evaluation:
    """The whole grid. Held-out tasks are those that the bank has no adapter for; they enter no mean but their own."""

    bank: str
    split: str
    settings: Settings
    computed: str
    """Device, type and quantization that the answers were computed in."""
    columns: tuple[str, ...]
    tasks: tuple[TaskResult, ...]

    @property
    def normalizations(self) -> tuple[str, ...]:
        """Those that every cell was counted under."""
        cells = [dict(cell.correct) for one in self.tasks for _, cell in one.cells]
        return tuple(name for name in (cells[0] if cells else ()) if all(name in one for one in cells))

    def having(self, column: str, *, held_out: bool = False) -> tuple[TaskResult, ...]:
        """The tasks that have a cell in the column."""
        return tuple(one for one in self.tasks if one.held_out == held_out and column in dict(one.cells))

    def complete(self, *, held_out: bool = False) -> tuple[str, ...]:
        """The columns that every task has a cell in; means are made of these alone."""
        tasks = [one for one in self.tasks if one.held_out == held_out]
        return tuple(name for name in self.columns if tasks and len(self.having(name, held_out=held_out)) == len(tasks))

    def means(self, normalization: str, *, held_out: bool = False) -> tuple[tuple[str, float], ...]:
        """(column, accuracy averaged over tasks), every task with the same weight."""
        return tuple(
            (
                name,
                _mean([dict(one.cells)[name].accuracy(normalization) for one in self.having(name, held_out=held_out)]),
            )
            for name in self.complete(held_out=held_out)
        )

    def interval(self, column: str) -> Interval:
        """95 % of the mean over tasks, under the settings' normalization."""
        return interval_of_mean([one.right(column) for one in self.having(column)])


def column_name(candidate: str, asked: str | None, setting: str | None) -> str:
    """Such as "base", "cat, typed" or "cat, typed, unseen": the setting `seen` goes without saying."""
    return ", ".join([candidate, *([asked] if asked else []), *([setting] if setting not in (None, SEEN) else [])])


def route_name(asked: str, setting: str) -> str:
    """Such as "typed" or "typed, unseen"."""
    return asked if setting == SEEN else f"{asked}, {setting}"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
