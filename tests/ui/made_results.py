"""An evaluation made by hand: forty rows a task, of which every column has so many right."""

from __future__ import annotations

from composer.config import Settings
from composer.evaluation.results import Cell, Evaluation, TaskResult

N = 40
RIGHT = {
    "commonsense_qa": {"base": 10, "own": 30, "soup": 12, "cat, typed": 28, "ties, typed": 11, "cat, hinted": 29}
    | {"top1, typed": 20, "svd, typed": 27, "cat, typed, unseen": 14},
    "sst2": {"base": 22, "own": 36, "soup": 20, "cat, typed": 4, "ties, typed": 22, "cat, hinted": 6}
    | {"top1, typed": 30, "svd, typed": 5, "cat, typed, unseen": 20},
    "rte": {"base": 20, "own": 21, "soup": 20, "cat, typed": 21, "ties, typed": 24, "cat, hinted": 20}
    | {"svd, typed": 20, "cat, typed, unseen": 19},
    "imdb": {"base": 20, "soup": 26, "cat, typed": 34, "ties, typed": 21, "cat, hinted": 33, "top1, typed": 31}
    | {"svd, typed": 33},
}
"""{task: {column: right}}; rte lacks top1, and imdb has no adapter."""


def evaluation(right: dict[str, dict[str, int]] | None = None, *, bank: str = "made", failed: int = 0) -> Evaluation:
    """The first rows of each column are right; of ties as many as `failed` have no answer, of the wrong ones."""
    right = RIGHT if right is None else right
    columns = dict.fromkeys(column for cells in right.values() for column in cells)
    return Evaluation(
        bank,
        "test",
        Settings(),
        "cpu, float32, none",
        tuple(columns),
        tuple(_result(task, cells, failed) for task, cells in right.items()),
    )


def _result(task: str, right: dict[str, int], failed: int) -> TaskResult:
    golds = tuple(row % 2 for row in range(N))
    cells = tuple((column, _cell(golds, count, failed * column.startswith("ties"))) for column, count in right.items())
    return TaskResult(task, golds, cells, (), held_out=task == "imdb")


def _cell(golds: tuple[int, ...], right: int, failed: int) -> Cell:
    wrong = [1 - gold for gold in golds[right:]]
    chosen: tuple[int | None, ...] = (*golds[:right], *wrong[failed:], *[None] * failed)
    return Cell(chosen, (("tokens", right), ("sum", right)))
