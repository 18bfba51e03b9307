"""An evaluation as JSON (the public schema of `evaluate --json` and of results files) and as tables for a person."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from composer.errors import SettingsError
from composer.evaluation.grid import NORMALIZATIONS, Evaluation, RetrievalTally, Tally, TaskResult
from composer.evaluation.table import aligned


def evaluation_to_json(evaluation: Evaluation) -> dict[str, Any]:
    """Shares are 0 to 1, `correct` counts rows under each normalization, and `accuracy` is under the settings' one.

    `mean` is over tasks that have an adapter, `held_out_mean` over the others.
    """
    how = evaluation.settings.score.normalization
    return {
        "bank": evaluation.bank,
        "split": evaluation.split,
        "computed": evaluation.computed,
        "settings": {**asdict(evaluation.settings.retrieval), **asdict(evaluation.settings.merge)}
        | asdict(evaluation.settings.score),
        "columns": list(evaluation.columns),
        "tasks": {result.task: _task(result, how) for result in evaluation.tasks},
        "held_out": [result.task for result in evaluation.tasks if result.held_out],
        "mean": dict(evaluation.means(how)),
        "held_out_mean": dict(evaluation.means(how, held_out=True)),
        "mean_by_normalization": {name: dict(evaluation.means(name)) for name in NORMALIZATIONS},
        "retrieval": _retrieval(evaluation.tasks),
    }


def _task(result: TaskResult, how: str) -> dict[str, Any]:
    return {
        "n": result.n,
        "majority": result.majority,
        "columns": {name: _tally(tally, how) for name, tally in result.tallies},
    }


def evaluation_table(evaluation: Evaluation) -> str:
    """Accuracy in per cent, a row per task; below it, where retrieval leads, and the means under each normalization."""
    parts = [_accuracy_table(evaluation)]
    if any(not result.held_out for result in evaluation.tasks):
        parts += [_retrieval_table(evaluation.tasks), _normalizations(evaluation)]
    failed = [(r.task, name, tally) for r in evaluation.tasks for name, tally in r.tallies if tally.failed]
    parts += [f"{name} failed on {tally.failed} of {tally.n} rows of {task}." for task, name, tally in failed]
    return "\n\n".join(parts)


def _normalizations(evaluation: Evaluation) -> str:
    rows = [["Mean under each normalization, %", *evaluation.columns]]
    for name in NORMALIZATIONS:
        means = dict(evaluation.means(name))
        rows.append([name, *(_percent(means.get(column)) for column in evaluation.columns)])
    return aligned(rows)


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
        temporary.write_text(json.dumps(evaluation_to_json(evaluation), indent=2) + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _cannot_write(path, error) from error


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.tmp")


def _cannot_write(path: Path, error: OSError) -> SettingsError:
    return SettingsError(f"the results cannot be written to {path}: {error.strerror or error}. Name another --output.")


def _accuracy_table(evaluation: Evaluation) -> str:
    how = evaluation.settings.score.normalization
    rows = [[f"Accuracy, % ({evaluation.split}, per {how})", "rows", "guess", *evaluation.columns]]
    for held_out, label in ((False, "mean"), (True, "mean, held out")):
        results = [result for result in evaluation.tasks if result.held_out == held_out]
        rows += [_accuracy_row(result, evaluation.columns, how) for result in results]
        if results:
            means = dict(evaluation.means(how, held_out=held_out))
            rows.append([label, "", "", *(_percent(means.get(name)) for name in evaluation.columns)])
    return aligned(rows)


def _accuracy_row(result: TaskResult, columns: Sequence[str], how: str) -> list[str]:
    tallies = dict(result.tallies)
    accuracies = [tallies[name].accuracy(how) if name in tallies else None for name in columns]
    name = f"{result.task} (held out)" if result.held_out else result.task
    return [name, str(result.n), _percent(result.majority / result.n), *(_percent(accuracy) for accuracy in accuracies)]


def _retrieval_table(results: Sequence[TaskResult]) -> str:
    found = _retrieval(results)
    ways = list(found["mean"])
    rows = [["Own task found, %", *(f"{what}, {way}" for way in ways for what in ("heaviest", "in nucleus"))]]
    for name, shares in (*found["tasks"].items(), ("mean", found["mean"])):
        rows.append([name, *(_percent(shares[way][what]) for way in ways for what in ("heaviest", "in_nucleus"))])
    return aligned(rows)


def _retrieval(results: Sequence[TaskResult]) -> dict[str, Any]:
    """way of asking -> shares, for each task and as their mean"""
    tasks = {
        result.task: {way: _shares(tally) for way, tally in result.retrieval} for result in results if result.retrieval
    }
    ways = list(dict.fromkeys(way for shares in tasks.values() for way in shares))
    means = {
        way: {what: sum(each[way][what] for each in tasks.values()) / len(tasks) for what in ("heaviest", "in_nucleus")}
        for way in ways
    }
    return {"tasks": tasks, "mean": means}


def _shares(tally: RetrievalTally) -> dict[str, float]:
    return {"heaviest": tally.heaviest / tally.n, "in_nucleus": tally.in_nucleus / tally.n}


def _tally(tally: Tally, how: str) -> dict[str, Any]:
    failed = {"failed": tally.failed} if tally.failed else {}
    return {"accuracy": tally.accuracy(how), "correct": dict(tally.correct), **failed}


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"
