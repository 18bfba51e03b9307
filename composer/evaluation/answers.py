"""The log-probability of every option of a row, for every slot that the candidates ask for: each slot once.

A slot is what is added to the base, known by its content. Candidates that come to the same (a question typed and hinted
that leads to the same weights, the heaviest task that is the row's own) share one, within a run and between runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from composer.config import MergeSettings, Settings
from composer.errors import BankError, ComposerError
from composer.evaluation.rows import TaskRows
from composer.evaluation.saved import Saved
from composer.lineup import BASE, Candidate
from composer.merging.gating import AnyAdapter
from composer.pipeline import Composer
from composer.routing import STRATEGIES, Evidence, Gate
from composer.types import Failure, Query

SLOTS_AT_ONCE = {"cpu": 8, "cuda": 16}
"""Of one row in a forward pass, by device: more would only take more memory."""


@dataclass(frozen=True)
class Slot:
    """An adapter merged of these tasks by this method, or a gate; of no task at all, the base alone."""

    method: str | None
    choice: tuple[tuple[str, float], ...] | Gate

    @classmethod
    def of(cls, candidate: Candidate, evidence: Evidence) -> Slot:
        choice = STRATEGIES[candidate.strategy].choose(evidence)
        return cls(candidate.method if choice else None, choice)

    def key(self, composer: Composer, settings: MergeSettings) -> str:
        if isinstance(self.choice, Gate):
            gate = self.choice
            adapters = [composer.adapters.on_host(task).key for task in gate.tasks]
            content = repr((gate.rule, adapters, gate.top_k, gate.temperature))
        elif self.method is None:
            return BASE
        else:
            adapters = [composer.adapters.get(task).key for task, _ in self.choice]
            content = repr((self.method, adapters, [weight for _, weight in self.choice], settings))
        return hashlib.sha256(content.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class RowAnswers:
    sums: tuple[tuple[float, ...] | None, ...]
    """For each slot asked for, the log-probability (nats) of every option; None where it could not be had."""
    tokens: tuple[int, ...]
    """Of every option."""
    bytes: tuple[int, ...]
    """Of every option, in UTF-8."""


class Answerer:
    """Answers rows of one task, and keeps what it has found in a file."""

    def __init__(self, composer: Composer, rows: TaskRows, settings: Settings, folder: Path) -> None:
        self.composer = composer
        self.settings = settings
        bank, base = composer.bank, composer.base
        computed = (base.quantization, str(base.dtype))
        identity = repr((bank.base, bank.prompt_template, computed))
        digest = hashlib.sha256(identity.encode()).hexdigest()[:12]
        self.saved = Saved(folder / f"answers-{rows.task}-{digest}.jsonl")

    def answer(self, row: str, query: Query, slots: Sequence[Slot]) -> RowAnswers:
        """`row`: see `TaskRows.keys`. Raises BankError for a damaged bank; a merge that fails leaves None."""
        keys = [slot.key(self.composer, self.settings.merge) for slot in slots]
        known = self.saved.get(row)
        lacking = {key: slot for key, slot in zip(keys, slots, strict=True) if key not in known}
        if lacking:
            self.saved.add(row, self._found(query, lacking))
            known = self.saved.get(row)
        sums = (known[key] for key in keys)
        return RowAnswers(
            tuple(None if one is None else tuple(one) for one in sums), tuple(known["tokens"]), tuple(known["bytes"])
        )

    def _found(self, query: Query, slots: dict[str, Slot]) -> dict[str, list[float] | list[int] | None]:
        prompt = self.composer.fit(query)
        found: dict[str, list[float] | list[int] | None] = {
            "tokens": self.composer.option_tokens(query),
            "bytes": [len(option.strip().encode()) for option in query.options],
        }
        keys = list(slots)
        at_once = SLOTS_AT_ONCE[self.composer.base.device.type]
        for start in range(0, len(keys), at_once):
            batch = keys[start : start + at_once]
            merged = [one for key in batch if key != BASE for one in [self._merged(key, slots[key])] if one]
            base_too = BASE in batch
            found.update(dict.fromkeys(batch, None))
            if merged or base_too:
                for answer in self.composer.score(query, merged, self.settings, prompt, base_too=base_too):
                    if not isinstance(answer, Failure):
                        found[answer.method] = list(answer.log_probabilities)
        return found

    def _merged(self, key: str, slot: Slot) -> AnyAdapter | None:
        try:
            if isinstance(slot.choice, Gate):
                return replace(self.composer.gate(slot.choice), method=key)
            return replace(self.composer.merge(slot.choice, self.settings, str(slot.method)), method=key)
        except BankError:
            raise  # a damaged bank is no strategy's fault
        except ComposerError:
            return None
