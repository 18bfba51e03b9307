"""Task rows in the data sets' own schemas: the labelled examples of the embedded bank.

A maker writes one row of its task from the content of one split, so that test rows ask about things, scripts, words and
pairs that no training row asks about. The base model has read about all of them; no adapter has seen these answers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from random import Random
from typing import Any

from composer.microworld import rows_commonsense, rows_pairs, rows_reading
from composer.microworld.world import World

Row = dict[str, Any]
MAKERS: dict[str, Callable[[World], Row]] = {**rows_commonsense.MAKERS, **rows_reading.MAKERS, **rows_pairs.MAKERS}
TRAIN_ROWS, TEST_ROWS = 2_000, 200
_TRIES = 40


def make_rows(task: str, split: str, count: int, seed: int = 11) -> list[Row]:
    """Up to `count` different rows of the split ("train" or "test"); fewer where the lexicon has no more to ask."""
    digest = hashlib.sha256(f"{task}:{split}:{seed}".encode()).digest()
    world = World(split, Random(int.from_bytes(digest[:8], "big")))
    rows: dict[str, Row] = {}
    failures = 0
    while len(rows) < count and failures < count * _TRIES:
        row = MAKERS[task](world)
        key = json.dumps(_content(row), sort_keys=True, ensure_ascii=False)
        if key in rows:
            failures += 1
        else:
            rows[key] = row
    return list(rows.values())


def _content(row: Row) -> Row:
    """What makes two rows the same for a reader: not their number, nor the order of the options."""
    options = row["choices"]["text"] if "choices" in row else row.get("endings", ())
    kept = {
        key: value for key, value in row.items() if key not in ("id", "idx", "choices", "answerKey", "label", "endings")
    }
    return {**kept, "options": sorted(options)}
