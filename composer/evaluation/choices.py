"""What each row's question leads to: embedded in batches, routed, chosen for by every strategy, and kept for later.

A row that is known needs neither the encoder nor the index, so these are only touched where something is lacking.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from composer.config import RetrievalSettings
from composer.errors import SettingsError
from composer.evaluation.results import SEEN, UNSEEN
from composer.evaluation.rows import TaskRows
from composer.evaluation.saved import Saved
from composer.pipeline import Composer
from composer.routing import STRATEGIES, Choice, Evidence, ExampleVectors, Gate, route
from composer.tasks import TASKS
from composer.types import Neighbour, Query, TaskWeights


@dataclass(frozen=True)
class Setting:
    """What of the bank may be used."""

    meaning: str
    withholds: Literal["nothing", "task", "family"] = "nothing"
    """Of the row: adapters and examples that are taken away."""
    share: float = 1.0
    """Of each task's examples that is left in the index."""


ASKED = {"typed": "without a hint, as a person types it", "hinted": "with the task's hint, as the index has it"}
SETTINGS: dict[str, Setting] = {
    SEEN: Setting("every adapter and every example may be used"),
    UNSEEN: Setting("the row's own adapter and its task's examples are taken away", withholds="task"),
    "unseen_family": Setting("the same with all tasks of the row's family", withholds="family"),
    "half": Setting("a random half of each task's examples is left", share=0.5),
    "tenth": Setting("a random tenth of each task's examples is left", share=0.1),
    "fiftieth": Setting("a random fiftieth of each task's examples is left, at least one", share=0.02),
}
BATCH = 64
ALL_ROWS = "*"
"""Under which a choice is kept that was searched for on labelled rows: one for the whole task."""


def asked_as(query: Query, asked: str) -> Query:
    return query if asked == "hinted" else replace(query, hint=None)


class Choices:
    """Of one task's rows, asked in one way, in one setting."""

    def __init__(
        self,
        composer: Composer,
        rows: TaskRows,
        asked: str,
        setting: str,
        settings: RetrievalSettings,
        folder: Path,
        *,
        index_id: str,
        labelled: Sequence[Query] = (),
    ) -> None:
        """`index_id` names the index by its content. `labelled` are what strategies that need rows may try."""
        self._composer = composer
        self._rows = rows
        self._asked = asked
        self._settings = settings
        self._labelled = tuple(labelled)
        self._name = setting
        self.own = rows.task if rows.task in composer.bank.tasks else None
        self._setting = SETTINGS[setting]
        self.withheld = _withheld(self._setting, self.own, composer.bank.tasks)
        bank = composer.bank
        adapters = [(task, source.sha256) for task, source in bank.adapters]
        content = (settings, index_id, bank.base, bank.prompt_template, adapters)
        identity = _digest(content)
        self._vectors = Saved(folder / f"vectors-{rows.task}-{asked}.jsonl")
        self._routes = Saved(folder / f"routes-{rows.task}-{asked}-{setting}-{identity}.jsonl")
        self._route_all()

    def weights(self, row: int) -> TaskWeights:
        return _weights(self._routes.get(self._rows.keys[row]))

    def nearest(self, row: int) -> float:
        """Cosine similarity of the nearest example."""
        return float(self._routes.get(self._rows.keys[row])["nearest"])

    def choice(self, strategy: str, row: int) -> Choice | Gate:
        """Raises SettingsError where the strategy needs what is not at hand."""
        needs_rows = STRATEGIES[strategy].needs_rows
        key = f"{ALL_ROWS} {_digest(self._labelled)}" if needs_rows else self._rows.keys[row]
        kept = self._routes.get(key).get(f"by {strategy}")
        if kept is None:
            labelled = self._labelled if needs_rows else ()
            kept = _to_json(STRATEGIES[strategy].choose(self._evidence(row, labelled)))
            self._routes.add(key, {f"by {strategy}": kept})
        return _of_json(kept)

    def _evidence(self, row: int, labelled: Sequence[Query]) -> Evidence:
        query = asked_as(self._rows.queries[row], self._asked)
        found = self._composer.evidence(
            query, (), self.weights(row), own=self.own, withheld=self.withheld, labelled=labelled
        )
        vector = partial(self._vector, self._rows.keys[row])
        return replace(found, embed=vector, examples=lambda: self._examples().without(self.withheld))

    def _examples(self) -> ExampleVectors:
        """What is left of the index, but for what is withheld."""
        vectors = self._composer.index.vectors()
        return vectors if self._setting.share == 1 else vectors.thinned(self._setting.share)

    def _route_all(self) -> None:
        top_p, kernel = self._settings.top_p, self._settings.kernel
        lacking = [i for i, key in enumerate(self._rows.keys) if "kept" not in self._routes.get(key)]
        self._embed([i for i in lacking if not self._vectors.get(self._vector_key(self._rows.keys[i]))])
        for i in lacking:
            key = self._rows.keys[i]
            found = self._nearest(self._vector(key))
            if not found:
                raise SettingsError(
                    f"in the setting {self._name!r} no example is left for {self._rows.task}. Leave the setting out, "
                    "or take a bank with more tasks."
                )
            weights = route(found, top_p=top_p, kernel=kernel)
            self._routes.add(key, {"kept": weights.kept, "dropped": weights.dropped, "top_p": top_p, "kernel": kernel}
                             | {"nearest": 1 - found[0].distance})  # fmt: skip

    def _nearest(self, vector: np.ndarray) -> tuple[Neighbour, ...]:
        top_k, kernel, index = self._settings.top_k, self._settings.kernel, self._composer.index
        if self._setting.share == 1:
            return index.search(vector, top_k, kernel, self.withheld)
        return self._examples().nearest(vector, top_k, kernel)

    def _embed(self, lacking: Sequence[int]) -> None:
        for start in range(0, len(lacking), BATCH):
            batch = lacking[start : start + BATCH]
            texts = [asked_as(self._rows.queries[i], self._asked).retrieval_text for i in batch]
            for i, vector in zip(batch, self._composer.encoder.encode(texts), strict=True):
                packed = base64.b64encode(np.asarray(vector, dtype="<f4").tobytes()).decode()
                self._vectors.add(self._vector_key(self._rows.keys[i]), {"vector": packed})

    def _vector(self, key: str) -> np.ndarray:
        return np.frombuffer(base64.b64decode(self._vectors.get(self._vector_key(key))["vector"]), dtype="<f4")

    def _vector_key(self, key: str) -> str:
        return f"{key} {self._encoder}"

    @cached_property
    def _encoder(self) -> str:
        return self._composer.encoder.sha256[:12]


def _withheld(setting: Setting, own: str | None, tasks: Sequence[str]) -> frozenset[str]:
    if own is None or setting.withholds == "nothing":
        return frozenset()
    if setting.withholds == "task":
        return frozenset({own})
    return frozenset(task for task in tasks if TASKS[task].family == TASKS[own].family)


def _digest(content: object) -> str:
    return hashlib.sha256(repr(content).encode()).hexdigest()[:12]


def _weights(kept: dict[str, Any]) -> TaskWeights:
    return TaskWeights(_pairs(kept["kept"]), _pairs(kept["dropped"]), kept["top_p"], kept["kernel"])


def _pairs(values: Sequence[Sequence[Any]]) -> Choice:
    return tuple((task, weight) for task, weight in values)


def _to_json(choice: Choice | Gate) -> dict[str, Any] | Choice:
    return asdict(choice) if isinstance(choice, Gate) else choice


def _of_json(kept: dict[str, Any] | Choice) -> Choice | Gate:
    if isinstance(kept, dict):
        return Gate(**{**kept, "tasks": tuple(kept["tasks"])})
    return _pairs(kept)
