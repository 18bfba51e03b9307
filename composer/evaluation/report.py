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
from composer.evaluation.grid import Evaluation, RetrievalTally, Tally, TaskResult
from composer.evaluation.table import aligned


def evaluation_to_json(evaluation: Evaluation) -> dict[str, Any]:
    """Accuracies and shares are 0 to 1; `mean` is over tasks that have an adapter, `held_out_mean` over the others."""
    return {
        "bank": evaluation.bank,
        "settings": {**asdict(evaluation.settings.retrieval), **asdict(evaluation.settings.merge)}
        | asdict(evaluation.settings.score),
        "tasks": {
            result.task: {strategy: _tally(tally) for strategy, tally in result.tallies} for result in evaluation.tasks
        },
        "held_out": [result.task for result in evaluation.tasks if result.held_out],
        "mean": dict(evaluation.means()),
        "held_out_mean": dict(evaluation.means(held_out=True)),
        "retrieval": _retrieval(evaluation.tasks),
    }


def evaluation_table(evaluation: Evaluation) -> str:
    """Accuracy in per cent, a row per task; below it, where retrieval leads."""
    parts = [_accuracy_table(evaluation)]
    if any(not result.held_out for result in evaluation.tasks):
        parts.append(_retrieval_table(evaluation.tasks))
    failed = [(r.task, name, tally) for r in evaluation.tasks for name, tally in r.tallies if tally.failed]
    parts += [f"{name} failed on {tally.failed} of {tally.n} rows of {task}." for task, name, tally in failed]
    return "\n\n".join(parts)


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
    rows = [["Accuracy, %", "rows", *evaluation.strategies]]
    for held_out, label in ((False, "mean"), (True, "mean, held out")):
        results = [result for result in evaluation.tasks if result.held_out == held_out]
        rows += [_accuracy_row(result, evaluation.strategies) for result in results]
        if results:
            means = dict(evaluation.means(held_out=held_out))
            rows.append([label, "", *(_percent(means.get(name)) for name in evaluation.strategies)])
    return aligned(rows)


def _accuracy_row(result: TaskResult, strategies: Sequence[str]) -> list[str]:
    tallies = dict(result.tallies)
    accuracies = [tallies[name].accuracy if name in tallies else None for name in strategies]
    count = str(result.tallies[0][1].n) if result.tallies else ""
    name = f"{result.task} (held out)" if result.held_out else result.task
    return [name, count, *(_percent(accuracy) for accuracy in accuracies)]


def _retrieval_table(results: Sequence[TaskResult]) -> str:
    rows = [["Own task found, %", "heaviest", "in nucleus", "heaviest as typed", "in nucleus as typed"]]
    found = _retrieval(results)
    for name, shares in (*found["tasks"].items(), ("mean", found["mean"])):
        typed = shares["as_typed"]
        values = (shares["heaviest"], shares["in_nucleus"], typed["heaviest"], typed["in_nucleus"])
        rows.append([name, *(_percent(value) for value in values)])
    return aligned(rows)


def _retrieval(results: Sequence[TaskResult]) -> dict[str, Any]:
    tasks: dict[str, dict[str, Any]] = {}
    for result in results:
        if result.retrieval is not None and result.as_typed is not None:
            shares = {**_shares(result.retrieval), "n": result.retrieval.n}
            tasks[result.task] = {**shares, "as_typed": _shares(result.as_typed)}
    return {"tasks": tasks, "mean": _mean_shares(list(tasks.values()))}


def _mean_shares(tasks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    def mean(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
        return {key: sum(row[key] for row in rows) / len(rows) for key in ("heaviest", "in_nucleus")}

    return {**mean(tasks), "as_typed": mean([task["as_typed"] for task in tasks])} if tasks else {}


def _shares(tally: RetrievalTally) -> dict[str, float]:
    return {"heaviest": tally.heaviest / tally.n, "in_nucleus": tally.in_nucleus / tally.n}


def _tally(tally: Tally) -> dict[str, float | int]:
    failed = {"failed": tally.failed} if tally.failed else {}
    return {"accuracy": tally.accuracy, "n": tally.n, **failed}


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"
