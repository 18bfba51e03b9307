"""An evaluation as JSON: the public schema of `evaluate --json` and of results files, written whole and read back."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from composer.config import MergeSettings, RetrievalSettings, ScoreSettings, Settings
from composer.errors import SettingsError
from composer.evaluation.results import Cell, Evaluation, Routed, TaskResult
from composer.evaluation.statistics import Interval

_NO_ANSWER = "-"


def evaluation_to_json(evaluation: Evaluation) -> dict[str, Any]:
    """Shares are 0 to 1, `correct` counts rows under each normalization, and `accuracy` is under the settings' one.

    `gold` and `chosen` have a digit for each row, the place of the option ("-" where a merge failed); `types` have a 1
    where the question is of that error type. Intervals are 95 %: Wilson's for a cell, the normal approximation for a
    mean. `mean` is over tasks that have an adapter.
    """
    how = evaluation.settings.score.normalization
    return {
        "bank": evaluation.bank,
        "split": evaluation.split,
        "computed": evaluation.computed,
        "settings": {**asdict(evaluation.settings.retrieval), **asdict(evaluation.settings.merge)}
        | asdict(evaluation.settings.score),
        "columns": list(evaluation.columns),
        "mean": dict(evaluation.means(how)),
        "mean_interval": {name: _pair(evaluation.interval(name)) for name in evaluation.complete()},
        "held_out_mean": dict(evaluation.means(how, held_out=True)),
        "mean_by_normalization": {name: dict(evaluation.means(name)) for name in evaluation.normalizations},
        "tasks": {result.task: _task(result, how) for result in evaluation.tasks},
    }


def evaluation_of_json(values: dict[str, Any]) -> Evaluation:
    """The reverse. Raises KeyError, TypeError or ValueError for values of another shape."""
    return Evaluation(
        bank=values["bank"],
        split=values["split"],
        settings=_settings(values["settings"]),
        computed=values["computed"],
        columns=tuple(values["columns"]),
        tasks=tuple(_task_of(name, task) for name, task in values["tasks"].items()),
    )


def check_writable(path: Path) -> None:
    """Raises SettingsError where `write_results` could not write. Leaves nothing behind, and an old file as it is."""
    temporary = _beside(path)
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        temporary.touch()
    except OSError as error:
        raise _cannot_write(path, error) from error
    temporary.unlink()


def write_results(path: Path, evaluation: Evaluation) -> None:
    """The JSON, whole or not at all. Raises SettingsError."""
    temporary = _beside(path)
    try:
        temporary.write_text(_text(evaluation_to_json(evaluation)), encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _cannot_write(path, error) from error


def read_results(path: Path) -> Evaluation:
    """Raises SettingsError for a file that is missing or of another shape."""
    try:
        return evaluation_of_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(f"{path} cannot be read ({error}). Write it with `evaluate --output {path}`.") from error


def _task(result: TaskResult, how: str) -> dict[str, Any]:
    return {
        "n": result.n,
        "majority": result.majority,
        "held_out": result.held_out,
        "gold": _digits(result.golds),
        "types": {name: "".join("01"[one] for one in rows) for name, rows in result.types},
        "routed": {
            name: {
                "heaviest": one.heaviest,
                "in_nucleus": one.in_nucleus,
                "sizes": list(one.sizes),
                "nearest": [round(similarity, 3) for similarity in one.nearest],
            }
            for name, one in result.routed
        },
        "columns": {
            name: {
                "accuracy": cell.accuracy(how),
                "interval": _pair(result.interval(name)),
                "correct": dict(cell.correct),
                "chosen": _digits(cell.chosen),
                **({"failed": cell.failed} if cell.failed else {}),
            }
            for name, cell in result.cells
        },
    }


def _task_of(name: str, values: dict[str, Any]) -> TaskResult:
    return TaskResult(
        task=name,
        golds=tuple(int(one) for one in values["gold"]),
        cells=tuple(
            (column, Cell(_places(cell["chosen"]), tuple(cell["correct"].items())))
            for column, cell in values["columns"].items()
        ),
        routed=tuple(
            (how, Routed(one["heaviest"], one["in_nucleus"], tuple(one["sizes"]), tuple(one["nearest"])))
            for how, one in values["routed"].items()
        ),
        held_out=values["held_out"],
        types=tuple(
            (kind, tuple(digit == "1" for digit in digits)) for kind, digits in values.get("types", {}).items()
        ),
    )


def _settings(values: dict[str, Any]) -> Settings:
    def of(kind: type) -> dict[str, Any]:
        return {field.name: values[field.name] for field in fields(kind)}

    return Settings(
        RetrievalSettings(**of(RetrievalSettings)),
        MergeSettings(**of(MergeSettings)),
        ScoreSettings(**of(ScoreSettings)),
    )


def _digits(places: tuple[int | None, ...] | tuple[int, ...]) -> str:
    return "".join(_NO_ANSWER if place is None else str(place) for place in places)


def _places(digits: str) -> tuple[int | None, ...]:
    return tuple(None if digit == _NO_ANSWER else int(digit) for digit in digits)


def _pair(interval: Interval) -> list[float]:
    return [round(interval.low, 4), round(interval.high, 4)]


def _text(values: dict[str, Any]) -> str:
    """A line for each column of each task: what changes in one does not touch the others."""
    head = {name: value for name, value in values.items() if name != "tasks"}
    tasks = ",\n".join(f"  {json.dumps(name)}: {_task_text(task)}" for name, task in values["tasks"].items())
    return json.dumps(head, indent=1)[:-2] + f',\n "tasks": {{\n{tasks}\n }}\n}}\n'


def _task_text(task: dict[str, Any]) -> str:
    rest = {name: value for name, value in task.items() if name != "columns"}
    columns = ",\n".join(f"    {json.dumps(name)}: {json.dumps(cell)}" for name, cell in task["columns"].items())
    return json.dumps(rest)[:-1] + f', "columns": {{\n{columns}\n  }}}}'


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.tmp")


def _cannot_write(path: Path, error: OSError) -> SettingsError:
    return SettingsError(f"the results cannot be written to {path}: {error.strerror or error}. Name another --output.")
