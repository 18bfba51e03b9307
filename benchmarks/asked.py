"""The short questions with their task weights at hand: a compare can be timed, on a GPU too, without retrieval.

`weights.json` holds what the bank that ships gives each question, as `python -m benchmarks.asked` writes it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.plan import SETTINGS
from benchmarks.questions import SHORT
from composer.bank.manifest import Bank, load_bank
from composer.config import DEFAULT_BANK, AppSettings
from composer.errors import ComposerError
from composer.types import Query

RECORDED = Path(__file__).parent / "weights.json"
TYPICAL = range(3, 8)
"""Adapters that a question merges. With one alone, PEFT turns every method into linear."""

Weights = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Asked:
    query: Query
    weights: Weights
    """Of the tasks in the nucleus, the heaviest first; they sum to 1."""


def asked_of(bank: Bank, adapters: Sequence[int] = TYPICAL) -> tuple[Asked, ...]:
    """The questions that merge so many adapters. In a bank without those tasks, its own first ones have their weights.

    Raises ComposerError for a bank with too few tasks.
    """
    found = [Asked(query, _on(bank, weights)) for query, weights in zip(SHORT, recorded(), strict=True)]
    chosen = tuple(asked for asked in found if len(asked.weights) in adapters)
    if not chosen:
        raise ComposerError(
            f"the bank {bank.name!r} has {len(bank.tasks)} tasks, and at least {min(adapters)} are merged. "
            "Choose another bank."
        )
    return chosen


def recorded() -> tuple[Weights, ...]:
    """One per question of `SHORT`."""
    found: list[dict[str, float]] = json.loads(RECORDED.read_text(encoding="utf-8"))
    return tuple(tuple(weights.items()) for weights in found)


def _on(bank: Bank, weights: Weights) -> Weights:
    if not {task for task, _ in weights} <= set(bank.tasks):
        weights = tuple((task, weight) for task, (_, weight) in zip(bank.tasks, weights, strict=False))
    total = sum(weight for _, weight in weights)
    return tuple((task, weight / total) for task, weight in weights)


def routed(bank: Bank, cache_dir: Path) -> tuple[Weights, ...]:
    """What the bank's examples give each question, to four decimals."""
    # here: what asks with recorded weights has neither Chroma nor the encoder at hand
    from composer.indexing import open_index
    from composer.retrieval.encoder import Encoder
    from composer.routing import route

    how, encoder = SETTINGS.retrieval, Encoder(bank.encoder)
    found = []
    with closing(open_index(bank, encoder, cache_dir)) as index:
        for query in SHORT:
            vector = encoder.encode([query.retrieval_text])[0]
            neighbours = index.search(vector, how.top_k, how.kernel)
            kept = route(neighbours, top_p=how.top_p, kernel=how.kernel).kept
            found.append(tuple((task, round(weight, 4)) for task, weight in kept))
    return tuple(found)


def main() -> int:
    try:
        found = routed(load_bank(DEFAULT_BANK), AppSettings.from_env(os.environ).cache_dir)
    except ComposerError as error:
        sys.stderr.write(f"asked: {error}\n")
        return 1
    lines = ",\n ".join(json.dumps(dict(weights)) for weights in found)
    RECORDED.write_text(f"[\n {lines}\n]\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
