"""An evaluation as tables for a person."""

from __future__ import annotations

from collections.abc import Sequence

from composer.evaluation.choices import ASKED
from composer.evaluation.results import Evaluation, TaskResult
from composer.evaluation.table import aligned


def evaluation_table(evaluation: Evaluation) -> str:
    """Accuracy in per cent, a row per task; below it, where retrieval leads, and the means under each normalization."""
    parts = [_accuracy_table(evaluation)]
    routed = [result for result in evaluation.tasks if result.routed]
    if routed:
        parts += [_retrieval_table(routed), _normalizations(evaluation)]
    failed = [(r.task, name, cell) for r in evaluation.tasks for name, cell in r.cells if cell.failed]
    parts += [f"{name} failed on {cell.failed} of {cell.n} rows of {task}." for task, name, cell in failed]
    return "\n\n".join(parts)


def _accuracy_table(evaluation: Evaluation) -> str:
    how = evaluation.settings.score.normalization
    rows = [[f"Accuracy, % ({evaluation.split}, {how})", "rows", "guess", *evaluation.columns]]
    for held_out, label in ((False, "mean"), (True, "mean, held out")):
        results = [result for result in evaluation.tasks if result.held_out == held_out]
        rows += [_accuracy_row(result, evaluation.columns, how) for result in results]
        if results:
            means = dict(evaluation.means(how, held_out=held_out))
            rows.append([label, "", "", *(_percent(means.get(name)) for name in evaluation.columns)])
    intervals = {name: evaluation.interval(name) for name in evaluation.complete()}
    if intervals:
        spans = (
            f"{_percent(at.low)}-{_percent(at.high)}" if (at := intervals.get(name)) else ""
            for name in evaluation.columns
        )
        rows.append(["95 % of the mean", "", "", *spans])
    return aligned(rows)


def _accuracy_row(result: TaskResult, columns: Sequence[str], how: str) -> list[str]:
    cells = dict(result.cells)
    accuracies = [cells[name].accuracy(how) if name in cells else None for name in columns]
    name = f"{result.task} (held out)" if result.held_out else result.task
    return [name, str(result.n), _percent(result.majority / result.n), *(_percent(accuracy) for accuracy in accuracies)]


def _normalizations(evaluation: Evaluation) -> str:
    rows = [["Mean under each normalization, %", *evaluation.columns]]
    for name in evaluation.normalizations:
        means = dict(evaluation.means(name))
        rows.append([name, *(_percent(means.get(column)) for column in evaluation.columns)])
    return aligned(rows)


def _retrieval_table(results: Sequence[TaskResult]) -> str:
    ways = [way for way, _ in results[0].routed if way in ASKED]
    if not ways:
        return "Own task found: not asked for, since it was taken away."
    rows = [["Own task found, %", *(f"{what}, {way}" for way in ways for what in ("heaviest", "in nucleus"))]]
    for result in results:
        rows.append([result.task, *(_percent(share) for way in ways for share in found(result, way))])
    means = [sum(each) / len(results) for way in ways for each in zip(*(found(r, way) for r in results), strict=True)]
    rows.append(["mean", *(_percent(share) for share in means)])
    return aligned(rows)


def found(result: TaskResult, way: str) -> tuple[float, float]:
    """Shares of rows whose own task is the heaviest, and in the nucleus, asked in that way with every adapter there."""
    routed = dict(result.routed)[way]
    return routed.heaviest / routed.n, routed.in_nucleus / routed.n


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"
