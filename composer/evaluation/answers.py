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
from composer.lineup import BASE
from composer.merging.gating import AnyAdapter
from composer.pipeline import Composer
from composer.routing import Choice, Gate
from composer.scores import OptionSizes
from composer.types import Failure, Query

SLOTS_AT_ONCE = {"cpu": 8, "cuda": 16}
"""Of one row in a forward pass, by device: more would only take more memory."""
_ALONE = " alone"
"""Behind a slot's key: the sums after the template with no question."""


@dataclass(frozen=True)
class Slot:
    """Adapters merged by a method, or gated; of no adapter at all, the base alone."""

    method: str | None
    choice: Choice | Gate

    def key(self, composer: Composer, settings: MergeSettings) -> str:
        if not self.choice:
            return BASE
        if isinstance(self.choice, Gate):
            gate = self.choice
            tasks, how = gate.tasks, repr((gate.rule, gate.top_k, gate.temperature))
        else:
            tasks, how = tuple(task for task, _ in self.choice), repr(([weight for _, weight in self.choice], settings))
        content = repr((self.method, [composer.adapters.on_host(task).key for task in tasks], how))
        return hashlib.sha256(content.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class RowAnswers:
    sums: tuple[tuple[float, ...] | None, ...]
    """For each slot asked for, the log-probability (nats) of every option; None where it could not be had."""
    alone: tuple[tuple[float, ...] | None, ...]
    """The same after the template with no question; None where it was not asked for either."""
    sizes: OptionSizes


class Answerer:
    """Answers rows of one task, and keeps what it has found in a file."""

    def __init__(
        self, composer: Composer, rows: TaskRows, settings: Settings, folder: Path, *, unconditional: bool = False
    ) -> None:
        """`unconditional` asks for what `pmi` needs, too."""
        self.composer = composer
        self.settings = settings
        self.unconditional = unconditional
        bank, base = composer.bank, composer.base
        computed = (base.device.type, base.quantization, str(base.dtype))
        identity = repr((bank.base, bank.prompt_template, computed))
        digest = hashlib.sha256(identity.encode()).hexdigest()[:12]
        self.saved = Saved(folder / f"answers-{rows.task}-{digest}.jsonl")

    def answer(self, row: str, query: Query, slots: Sequence[Slot]) -> RowAnswers:
        """`row`: see `TaskRows.keys`. Raises BankError for a damaged bank; a merge that fails leaves None."""
        keys = [slot.key(self.composer, self.settings.merge) for slot in slots]
        known = self.saved.get(row)
        lacking = {key: slot for key, slot in zip(keys, slots, strict=True) if not self._has(known, key)}
        if lacking or "tokens" not in known:
            self.saved.add(row, self._found(query, lacking))
            known = self.saved.get(row)
        return RowAnswers(
            tuple(_tuple(known[key]) for key in keys),
            tuple(_tuple(known.get(key + _ALONE)) for key in keys),
            OptionSizes.of(query.options, known["tokens"]),
        )

    def _has(self, known: dict[str, object], key: str) -> bool:
        return key in known and (not self.unconditional or key + _ALONE in known)

    def _found(self, query: Query, slots: dict[str, Slot]) -> dict[str, list[float] | list[int] | None]:
        prompt = self.composer.fit(query)
        found: dict[str, list[float] | list[int] | None] = {"tokens": self.composer.option_tokens(query)}
        keys = list(slots)
        at_once = SLOTS_AT_ONCE[self.composer.base.device.type]
        for start in range(0, len(keys), at_once):
            batch = keys[start : start + at_once]
            merged = [one for key in batch if key != BASE for one in [self._merged(key, slots[key])] if one]
            base_too = BASE in batch
            found.update(dict.fromkeys(batch, None))
            if self.unconditional:
                found.update({key + _ALONE: None for key in batch})
            if not merged and not base_too:
                continue
            answers = self.composer.score(
                query, merged, self.settings, prompt, base_too=base_too, unconditional=self.unconditional
            )
            for answer in answers:
                if isinstance(answer, Failure):
                    continue
                found[answer.method] = list(answer.log_probabilities)
                if answer.unconditional is not None:
                    found[answer.method + _ALONE] = list(answer.unconditional)
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


def _tuple(values: Sequence[float] | None) -> tuple[float, ...] | None:
    return None if values is None else tuple(values)
