"""Where each row's question leads: embedded in batches, routed, and kept for the runs to come."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from composer.config import RetrievalSettings
from composer.evaluation.rows import TaskRows
from composer.evaluation.saved import Saved
from composer.retrieval.encoder import Encoder
from composer.retrieval.index import SearchIndex
from composer.routing import route
from composer.types import Query, TaskWeights

ASKED = {"typed": "without a hint, as a person types it", "hinted": "with the task's hint, as the index has it"}
Search = Callable[[], tuple[Encoder, SearchIndex]]
"""Called only where a row has not been routed before."""
BATCH = 64


def asked_as(query: Query, asked: str) -> Query:
    return query if asked == "hinted" else replace(query, hint=None)


def routes(
    rows: TaskRows, asked: str, settings: RetrievalSettings, index_id: str, search: Search, folder: Path
) -> tuple[TaskWeights, ...]:
    """The task weights of every row, asked in that way."""
    identity = repr((asked, settings, index_id))
    saved = Saved(folder / f"routes-{rows.task}-{asked}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}.jsonl")
    lacking = [i for i, key in enumerate(rows.keys) if not saved.get(key)]
    for start in range(0, len(lacking), BATCH):
        batch = lacking[start : start + BATCH]
        encoder, index = search()
        vectors = encoder.encode([asked_as(rows.queries[i], asked).retrieval_text for i in batch])
        # a single text comes out of the encoder's memory as one row too
        for i, vector in zip(batch, vectors, strict=True):
            found = index.search(vector, settings.top_k, settings.kernel)
            saved.add(rows.keys[i], _to_json(route(found, top_p=settings.top_p, kernel=settings.kernel)))
    return tuple(_from_json(saved.get(key)) for key in rows.keys)


def _to_json(weights: TaskWeights) -> dict[str, Any]:
    return {
        "kept": [list(one) for one in weights.kept],
        "dropped": [list(one) for one in weights.dropped],
        "top_p": weights.top_p,
        "kernel": weights.kernel,
    }


def _from_json(values: dict[str, Any]) -> TaskWeights:
    return TaskWeights(
        tuple((task, weight) for task, weight in values["kept"]),
        tuple((task, mass) for task, mass in values["dropped"]),
        values["top_p"],
        values["kernel"],
    )
