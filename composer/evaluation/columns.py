"""Which columns of an evaluation stand for a candidate, and the groups in which candidates are shown."""

from __future__ import annotations

from composer.config import DEFAULT_METHODS
from composer.evaluation.results import SEEN, Evaluation, TaskResult, column_name
from composer.evaluation.statistics import Interval
from composer.lineup import BASE, LINEUP, RETRIEVAL
from composer.routing import STRATEGIES

TYPED, HINTED = "typed", "hinted"
REFERENCES = (BASE, "top1", "uniform", "soup", "own")
"""What every merge is held against."""
MAIN = (BASE, "own", "top1", "uniform", "soup", *DEFAULT_METHODS)
MERGES = tuple(name for name, one in LINEUP.items() if one.strategy == RETRIEVAL)
"""The nucleus' weights, merged by each method."""
OTHERS = tuple(name for name in LINEUP if name not in (*REFERENCES, *MERGES))
"""Strategies of other papers."""
PLAIN_OTHERS = tuple(name for name in OTHERS if not LINEUP[name].needs_rows)
"""Those that know no more than the question."""


def column_of(candidate: str, asked: str = TYPED, setting: str = SEEN) -> str:
    """The base and the own adapter have one column, whatever may be used; what is blind has one for every setting."""
    row = STRATEGIES[LINEUP[candidate].strategy]
    if candidate == BASE or row.needs_own:
        return candidate
    return column_name(candidate, None if row.blind else asked, setting)


def candidates_in(evaluation: Evaluation, asked: str = TYPED, setting: str = SEEN) -> tuple[str, ...]:
    """In the line-up's order."""
    return tuple(name for name in LINEUP if column_of(name, asked, setting) in evaluation.columns)


def title(candidate: str) -> str:
    return LINEUP[candidate].title


def mean(evaluation: Evaluation | None, column: str) -> float | None:
    """Over tasks; None where a task lacks the column."""
    if evaluation is None or not (tasks := _all_having(evaluation, column)):
        return None
    how = evaluation.settings.score.normalization
    return sum(dict(one.cells)[column].accuracy(how) for one in tasks) / len(tasks)


def interval(evaluation: Evaluation | None, column: str) -> Interval | None:
    return evaluation.interval(column) if evaluation and _all_having(evaluation, column) else None


def _all_having(evaluation: Evaluation, column: str) -> tuple[TaskResult, ...]:
    """The tasks that have an adapter, where every one of them has the column; else none."""
    having = evaluation.having(column)
    return having if len(having) == sum(not one.held_out for one in evaluation.tasks) else ()


def best_of(evaluation: Evaluation | None, candidates: tuple[str, ...]) -> str | None:
    """The one with the highest mean, typed and seen; the first of equals; None where none has one."""
    means = {name: mean(evaluation, column_of(name)) for name in candidates}
    there = {name: value for name, value in means.items() if value is not None}
    return max(there, key=lambda name: there[name]) if there else None
