"""The vectors of an index by task, and what is made of them once: means, and a classifier of tasks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from composer.routing.kernels import kernel_named
from composer.types import Neighbour

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression


class ExampleVectors:
    """Read only; threads may share one. What is made of it is kept with it."""

    def __init__(self, by_task: Mapping[str, np.ndarray]) -> None:
        """task -> (examples, 384), rows of length 1."""
        self.by_task = dict(sorted(by_task.items()))
        self._without: dict[frozenset[str], ExampleVectors] = {}
        self._thinned: dict[float, ExampleVectors] = {}
        self._lock = Lock()

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(self.by_task)

    def without(self, tasks: frozenset[str]) -> ExampleVectors:
        """The same without these tasks' examples; one and the same value for equal tasks."""
        if not tasks:
            return self
        with self._lock:
            if tasks not in self._without:
                left = {task: rows for task, rows in self.by_task.items() if task not in tasks}
                self._without[tasks] = ExampleVectors(left)
            return self._without[tasks]

    def thinned(self, share: float) -> ExampleVectors:
        """A random share of each task's examples, at least one; the same ones every time."""
        with self._lock:
            if share not in self._thinned:
                left = {}
                for task, rows in self.by_task.items():
                    order = np.random.default_rng(0).permutation(len(rows))
                    left[task] = rows[np.sort(order[: max(1, round(share * len(rows)))])]
                self._thinned[share] = ExampleVectors(left)
            return self._thinned[share]

    def nearest(self, vector: np.ndarray, top_k: int, kernel: str) -> tuple[Neighbour, ...]:
        """Exact search, without texts: the same neighbours as those of an index of just these vectors."""
        function = kernel_named(kernel)
        tasks = np.repeat(self.tasks, [len(rows) for rows in self.by_task.values()])
        distances = np.clip(1 - np.concatenate(list(self.by_task.values())) @ vector, 0, 2)
        first = np.argsort(distances, kind="stable")[:top_k]
        return tuple(Neighbour(str(tasks[i]), "", float(distances[i]), function(float(distances[i]))) for i in first)

    def means(self, most: int | None = None) -> np.ndarray:
        """(tasks, 384): the mean of each task's first `most` vectors, or of all, brought to length 1."""
        means = np.stack([rows[:most].mean(axis=0) for rows in self.by_task.values()])
        return means / np.linalg.norm(means, axis=1, keepdims=True)

    def probabilities(self, vector: np.ndarray) -> dict[str, float]:
        """Of each task, for a question's vector, (384,). They sum to 1. A task that is alone is certain."""
        if len(self.tasks) < 2:
            return dict.fromkeys(self.tasks, 1.0)  # there is nothing that a classifier could tell apart
        found = self.classifier.predict_proba(vector[None])[0]
        return dict(zip(self.classifier.classes_.tolist(), found.tolist(), strict=True))

    @cached_property
    def classifier(self) -> LogisticRegression:
        """From a question's vector to its task, each task with the same prior however many examples it has.

        Converges in about 25 steps of L-BFGS, to the same weights every time; a quarter of a second for 3,265 examples
        of 22 tasks. C hardly matters: from 1 to 100, the own task is likeliest for 50 to 51 % of real questions as
        typed, and 10 is about where their mean log probability is highest. Needs two tasks or more.
        """
        from sklearn.linear_model import LogisticRegression

        labels = np.repeat(self.tasks, [len(rows) for rows in self.by_task.values()])
        model = LogisticRegression(class_weight="balanced", C=10.0, max_iter=1_000)
        return model.fit(np.concatenate(list(self.by_task.values())), labels)
