"""Questions sent through retrieval and routing, and where they end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from composer.bank.examples import Examples
from composer.config import RetrievalSettings
from composer.retrieval.build import Progress
from composer.retrieval.encoder import Encoder
from composer.retrieval.index import SearchIndex
from composer.routing import reweigh, route
from composer.routing.kernels import KERNELS
from composer.tasks import TASKS
from composer.tasks.sampling import draw_examples
from composer.tasks.sources import FolderSource
from composer.types import Query

QUESTION = "Where can I buy a tennis ball?"
PAPER = {"commonsense_qa": 0.5952, "hellaswag": 0.1646, "piqa": 0.1459, "story_cloze": 0.094}
"""Of the paper's Table 1."""
DEFAULTS = RetrievalSettings()
SAMPLES = 20
"""Rows that LoraRetriever averages into one vector of an adapter."""
RANKS = (1, 3, 5, 8)


def published() -> dict[str, float]:
    """LoraRetriever's own figures for retrieval with an untuned MiniLM over 48 tasks, in percent, by rank."""
    return {"1": 51.7, "3": 73.1, "5": 80.5, "8": 87.2}


def question(index: SearchIndex, encoder: Encoder) -> dict[str, Any]:
    """The paper's case study: all task weights before the nucleus, under each kernel."""
    vector = encoder.encode([QUESTION])[0]
    found = index.search(vector, DEFAULTS.top_k, DEFAULTS.kernel)
    weights = {name: dict(route(reweigh(found, name), top_p=1.0, kernel=name).kept) for name in KERNELS}
    nucleus = route(found, top_p=DEFAULTS.top_p, kernel=DEFAULTS.kernel)
    nearest = [{"task": one.task, "distance": round(one.distance, 4)} for one in found[:5]]
    return {"weights": weights, "kept": dict(nucleus.kept), "nearest": nearest, "paper": PAPER}


Samples = Callable[[str], Sequence[Query]]
"""Some of a task's indexed rows, of which LoraRetriever's way makes the task's vector; none for a task without."""


def own_samples(examples: Examples) -> Samples:
    return lambda task: [examples.query(row) for row in examples.rows_of(task)[:SAMPLES]]


def real_samples(source: FolderSource) -> Samples:
    return lambda task: _queries(source, task, "train", SAMPLES)


def _queries(source: FolderSource, task: str, split: str, count: int) -> list[Query]:
    return [example.query() for example in draw_examples(source, task, split=split, count=count).examples]


class Router:
    """All development rows, asked in one form: `typed`, as a person would, or `hinted`, with the task's sentence."""

    def __init__(self, source: FolderSource, index: SearchIndex, encoder: Encoder, form: str, samples: Samples) -> None:
        self.source = source
        self.samples = samples
        self.index = index
        self.encoder = encoder
        self.form = form
        self.tasks = tuple(task for task in TASKS if task in index.manifest.counts)

    def all(self, progress: Progress) -> dict[str, Any]:
        profiles = np.stack([self._profile(task) for task in self.tasks])
        asked = self.source.tasks("dev")
        found = {}
        for number, task in enumerate(asked):
            progress(number, len(asked))
            found[task] = self._one(task, profiles)
        progress(len(asked), len(asked))
        return found

    def _one(self, task: str, profiles: np.ndarray) -> dict[str, Any]:
        vectors = self.encoder.encode(self._texts(_queries(self.source, task, "dev", 1_000)))
        ranks, sizes, profile_ranks = [], [], []
        heaviest, inside = Counter[str](), 0
        for vector in vectors:
            found = self.index.search(vector, DEFAULTS.top_k, DEFAULTS.kernel)
            order = [name for name, _ in route(found, top_p=1.0, kernel=DEFAULTS.kernel).kept]
            kept = [name for name, _ in route(found, top_p=DEFAULTS.top_p, kernel=DEFAULTS.kernel).kept]
            heaviest[order[0]] += 1
            inside += task in kept
            sizes.append(len(kept))
            ranks.append(order.index(task) + 1 if task in order else None)
            nearest = [self.tasks[place] for place in np.argsort(-(profiles @ vector), kind="stable")]
            profile_ranks.append(nearest.index(task) + 1 if task in nearest else None)
        return {
            "rows": len(vectors),
            "heaviest": dict(heaviest.most_common()),
            "in_nucleus": inside,
            "nucleus_size": round(sum(sizes) / len(sizes), 2),
            "within": _within(ranks),
            "profile_within": _within(profile_ranks),
        }

    def _profile(self, task: str) -> np.ndarray:
        """A task as LoraRetriever knows it: the mean of a few of its rows."""
        mean = self.encoder.encode(self._texts(self.samples(task))).mean(axis=0)
        return mean / np.linalg.norm(mean)

    def _texts(self, queries: Sequence[Query]) -> list[str]:
        hinted = self.form == "hinted"
        return [(query if hinted else replace(query, hint=None)).retrieval_text for query in queries]


def _within(ranks: list[int | None]) -> dict[str, int]:
    """How many questions have their own task among the first 1, 3, …"""
    return {str(most): sum(rank is not None and rank <= most for rank in ranks) for most in RANKS}
