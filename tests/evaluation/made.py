"""An evaluation with figures that can be counted on the fingers."""

from __future__ import annotations

from composer.config import Settings
from composer.evaluation.results import Cell, Evaluation, Routed, TaskResult


def cell(golds: str, chosen: str, *, summed: int = 0) -> Cell:
    """A digit for each row, "-" where a merge failed. As many are right per byte as per token, `summed` as a sum."""
    places = tuple(None if digit == "-" else int(digit) for digit in chosen)
    right = sum(str(place) == gold for place, gold in zip(places, golds, strict=True))
    return Cell(places, (("tokens", right), ("sum", summed), ("bytes", right)))


def task(name: str, golds: str, cells: dict[str, str], **rest: object) -> TaskResult:
    made = tuple((column, cell(golds, chosen)) for column, chosen in cells.items())
    return TaskResult(name, tuple(int(digit) for digit in golds), made, **{"routed": (), **rest})  # type: ignore[arg-type]


def routed(sizes: tuple[int, ...], heaviest: int, in_nucleus: int) -> Routed:
    """Each row's nearest example lies a tenth further than the one before."""
    return Routed(heaviest, in_nucleus, sizes, tuple(0.9 - 0.1 * row for row in range(len(sizes))))


COPA = task(
    "copa",
    "0001",
    {"base": "0110", "own": "0001", "ties, typed": "01--"},
    routed=(("typed", routed((1, 2, 4, 7), 1, 2)),),
    types=(("negation", (True, False, False, True)), ("commonsense", (True,) * 4)),
)
MADE = Evaluation(
    bank="made",
    split="test",
    settings=Settings(),
    computed="cpu, float32, none",
    columns=("base", "own", "ties, typed"),
    tasks=(COPA, task("imdb", "0101", {"base": "0000", "ties, typed": "0100"}, held_out=True)),
)
