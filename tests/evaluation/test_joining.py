"""A long evaluation is made in parts, and comes to the same as one made at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from composer.config import ScoreSettings, Settings
from composer.errors import SettingsError
from composer.evaluation.joining import joined
from composer.evaluation.results import Evaluation, TaskResult
from composer.evaluation.results_file import evaluation_to_json

from .made import MADE


def part(columns: set[str], tasks: set[str] | None = None) -> Evaluation:
    kept = [one for one in MADE.tasks if tasks is None or one.task in tasks]
    return replace(
        MADE,
        columns=tuple(name for name in MADE.columns if name in columns),
        tasks=tuple(replace(one, cells=tuple(c for c in one.cells if c[0] in columns)) for one in kept),
    )


def test_parts_by_candidate_come_to_the_whole():
    first = set(MADE.columns[:1])
    whole = joined(part(first), part(set(MADE.columns) - first))
    assert evaluation_to_json(whole) == evaluation_to_json(MADE)


def test_parts_by_task_come_to_the_whole_and_held_out_tasks_stay_last():
    names = {one.task for one in MADE.tasks if one.held_out}
    assert names and names != {one.task for one in MADE.tasks}
    columns = set(MADE.columns)
    whole = joined(part(columns, names), part(columns, {one.task for one in MADE.tasks} - names))
    assert [one.held_out for one in whole.tasks] == sorted(one.held_out for one in MADE.tasks)
    assert {one.task: one for one in whole.tasks} == {one.task: one for one in MADE.tasks}


def test_where_both_were_computed_is_said():
    assert joined(MADE, replace(MADE, computed="cuda")).computed == f"{MADE.computed}; cuda"
    assert joined(MADE, MADE).computed == MADE.computed


def cut(task: TaskResult) -> TaskResult:
    return replace(task, golds=task.golds[:-1])


@pytest.mark.parametrize(
    "other",
    [
        replace(MADE, split="dev"),
        replace(MADE, bank="another"),
        replace(MADE, settings=Settings(score=ScoreSettings("bytes"))),
        replace(MADE, tasks=tuple(cut(one) for one in MADE.tasks)),
    ],
)
def test_what_is_not_of_the_same_rows_is_refused(other: Evaluation):
    with pytest.raises(SettingsError, match="Name another --output|name another --output"):
        joined(MADE, other)
