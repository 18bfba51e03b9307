"""An evaluation with figures that can be counted on the fingers."""

from __future__ import annotations

from composer.config import Settings
from composer.evaluation.grid import Evaluation, RetrievalTally, Tally, TaskResult


def tally(tokens: int, n: int, *, summed: int = 0, failed: int = 0) -> Tally:
    """`tokens` rows right per token and per byte, `summed` as a sum."""
    return Tally((("tokens", tokens), ("sum", summed), ("bytes", tokens)), n, failed)


MADE = Evaluation(
    bank="made",
    split="test",
    settings=Settings(),
    computed="cpu, float32, none",
    columns=("base", "own", "ties, typed"),
    tasks=(
        TaskResult(
            "copa",
            4,
            3,
            (("base", tally(1, 4, summed=2)), ("own", tally(4, 4)), ("ties, typed", tally(1, 4, failed=2))),
            (("typed", RetrievalTally(1, 2, 4)),),
        ),
        TaskResult("imdb", 4, 2, (("base", tally(2, 4)), ("ties, typed", tally(3, 4))), ()),
    ),
)
