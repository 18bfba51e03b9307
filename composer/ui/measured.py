"""What was measured of a bank, as the page asks for it: a view's columns, cells beside the base, tasks in order."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from composer.config import DEFAULT_METHODS
from composer.errors import SettingsError
from composer.evaluation.choices import ASKED, SETTINGS
from composer.evaluation.results import SEEN, Evaluation, TaskResult, column_name
from composer.evaluation.results_file import read_results
from composer.evaluation.statistics import Comparison, Interval, mcnemar
from composer.lineup import BASE, LINEUP, REFERENCES
from composer.ui.outcomes import RESULTS
from composer.ui.palette import families_of

log = logging.getLogger(__name__)

SPLITS = ("test", "dev")
"""The first that has a file is shown."""
TYPED = "typed"
OWN = "own"
FIRST = (BASE, OWN, *REFERENCES, *DEFAULT_METHODS)
"""The candidates that stand there before a visitor asks for more."""
HELD_OUT = "held out: no adapter of their own"
PAPER = "paper.json"
PAPERS_SETTING = SEEN
"""The paper takes no adapter away, so that its figures stand beside no other setting's."""

Paper = Mapping[str, Mapping[str, float]]
"""{task: {method: accuracy in per cent}}, as the paper prints it."""


@dataclass(frozen=True)
class View:
    """Which part of the results is on show, and in which order."""

    asked: str
    """A row of ASKED."""
    setting: str
    """A row of SETTINGS."""
    more: bool = False
    """All candidates, not only the FIRST."""
    by: str | None = None
    """The candidate that the tasks are sorted by; None for their own order, by family."""
    rising: bool = False

    def sorted_by(self, candidate: str) -> View:
        """As a click on the column's head leaves it: best first, then worst first, then in the tasks' own order."""
        if self.by != candidate:
            return replace(self, by=candidate, rising=False)
        return replace(self, by=None, rising=False) if self.rising else replace(self, rising=True)


@dataclass(frozen=True)
class Figure:
    """A cell, beside the base on the same rows."""

    right: int
    n: int
    failed: int
    interval: Interval
    against_base: Comparison | None
    """None for the base itself, and where it was not asked."""

    @property
    def accuracy(self) -> float:
        return self.right / self.n


class Measured:
    """An evaluation; figures are made when they are first shown."""

    def __init__(self, evaluation: Evaluation, paper: Paper | None = None) -> None:
        self.evaluation = evaluation
        self.paper = paper or {}
        self.asked, self.settings = _present(evaluation.columns)
        self._results = {result.task: result for result in evaluation.tasks}
        self._figures: dict[tuple[str, str], Figure] = {}

    def first_view(self) -> View:
        return View(self.asked[0], self.settings[0])

    def view(self, values: object) -> View:
        """Of what a visitor's page sent: whatever does not exist is as in the first view."""
        first, given = self.first_view(), values if isinstance(values, dict) else {}
        asked, setting, by = given.get("asked"), given.get("setting"), given.get("by")
        return View(
            asked if asked in self.asked else first.asked,
            setting if setting in self.settings else first.setting,
            given.get("more") is True,
            by if isinstance(by, str) and by in LINEUP else None,
            given.get("rising") is True,
        )

    def column(self, candidate: str, view: View) -> str | None:
        """The column that shows a candidate in a view. That of the base, of the row's own adapter and of a strategy
        that does not look at the question stands in several."""
        names = [column_name(candidate, asked, view.setting) for asked in (view.asked, None)]
        if candidate == BASE or LINEUP[candidate].needs_own:
            names.append(candidate)
        return next((name for name in names if name in self.evaluation.columns), None)

    def columns(self, view: View) -> dict[str, str]:
        """Candidate to column, the FIRST in their own order and then the others in the line-up's."""
        order = [*FIRST, *(name for name in LINEUP if name not in FIRST)] if view.more else FIRST
        found = {name: self.column(name, view) for name in order}
        return {name: column for name, column in found.items() if column is not None}

    def others(self, view: View) -> int:
        """How many candidates there are beyond the first ones."""
        return len(self.columns(replace(view, more=True))) - len(self.columns(replace(view, more=False)))

    def result(self, task: str) -> TaskResult | None:
        return self._results.get(task)

    def figure(self, task: str, column: str | None) -> Figure | None:
        result = self._results.get(task)
        if result is None or column is None or column not in dict(result.cells):
            return None
        if (task, column) not in self._figures:
            self._figures[task, column] = _figure(result, column)
        return self._figures[task, column]

    def printed(self, task: str, candidate: str, view: View) -> float | None:
        """What the paper prints of it, in per cent."""
        return self.paper.get(task, {}).get(candidate) if view.setting == PAPERS_SETTING else None

    def groups(self, view: View) -> dict[str, tuple[str, ...]]:
        """Heading to tasks: a family each or, sorted, all together under no heading; held-out tasks last."""
        trained = tuple(one.task for one in self.evaluation.tasks if not one.held_out)
        held_out = tuple(one.task for one in self.evaluation.tasks if one.held_out)
        column = self.column(view.by, view) if view.by else None
        if column is None:
            found = families_of(trained) | {HELD_OUT: held_out}
        else:
            found = {
                "": self._sorted(trained, column, view.rising),
                HELD_OUT: self._sorted(held_out, column, view.rising),
            }
        return {heading: tasks for heading, tasks in found.items() if tasks}

    def _sorted(self, tasks: tuple[str, ...], column: str, rising: bool) -> tuple[str, ...]:
        """Best first, or worst first; tasks that lack the column last either way, ties as they stood."""

        def key(task: str) -> tuple[bool, float]:
            figure = self.figure(task, column)
            return figure is None, 0.0 if figure is None else figure.accuracy * (1 if rising else -1)

        return tuple(sorted(tasks, key=key))


def read_measured(bank: str, folder: Path = RESULTS) -> Measured | None:
    """None where the bank has no results file that can be read: the page does without them, and the log says so."""
    for path in (folder / f"{bank}-{split}.json" for split in SPLITS):
        if not path.is_file():
            continue
        try:
            evaluation = read_results(path)
        except SettingsError as error:
            log.warning("results are not shown: %s", error)
            continue
        if evaluation.tasks and _present(evaluation.columns)[0]:
            return Measured(evaluation, read_paper(folder / PAPER))
    return None


def read_paper(path: Path) -> Paper:
    """Its Table 3; empty where there is no such file."""
    if not path.is_file():
        return {}
    table: dict[str, dict[str, float]] = json.loads(path.read_text(encoding="utf-8"))["table3"]
    return table


def _present(columns: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The ways of asking and the settings that have a column of their own."""
    made = {(a, s) for a in ASKED for s in SETTINGS for name in LINEUP if column_name(name, a, s) in columns}
    return tuple(a for a in ASKED if any(a == one for one, _ in made)), tuple(
        s for s in SETTINGS if any(s == one for _, one in made)
    )


def _figure(result: TaskResult, column: str) -> Figure:
    right = result.right(column)
    compared = column != BASE and BASE in dict(result.cells)
    return Figure(
        sum(right),
        len(right),
        dict(result.cells)[column].failed,
        result.interval(column),
        mcnemar(right, result.right(BASE)) if compared else None,
    )
