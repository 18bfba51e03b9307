"""A choice of adapters tried on a few labelled rows: what LoraHub's search minimizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from composer.bank.store import AdapterStore
from composer.config import MergeSettings
from composer.errors import SettingsError
from composer.inference.base import BaseModel
from composer.inference.losses import batches, mean_loss
from composer.inference.packing import PackedRow, pack
from composer.inference.prompts import encode_option, fit_prompt
from composer.merging import merge
from composer.routing import Choice
from composer.types import Query

METHOD = "average"
FEWEST = 5


@dataclass(frozen=True, eq=False)
class Trial:
    """Called with a choice, it gives the mean loss (nats per token) of the rows' right answers under that merge.

    The same choice gives the same loss. Merges are made anew and not kept: a search hardly asks for one twice.
    """

    base: BaseModel
    adapters: AdapterStore
    template: str
    rows: tuple[tuple[Query, str], ...]
    """(row, its right answer)"""
    settings: MergeSettings

    @classmethod
    def of(
        cls, base: BaseModel, adapters: AdapterStore, template: str, rows: Sequence[Query], settings: MergeSettings
    ) -> Trial:
        """Raises SettingsError where fewer than 5 rows have a right answer."""
        labelled = tuple((row, row.options[row.gold]) for row in rows if row.gold is not None)
        if len(labelled) < FEWEST:
            raise SettingsError(
                f"{len(labelled)} labelled rows were given; at least {FEWEST} are needed to try weights on. Give more."
            )
        return cls(base, adapters, template, labelled, settings)

    def __call__(self, choice: Choice) -> float:
        """Weights of 0 take no part; a choice of nothing else is the base model."""
        chosen = tuple((task, weight) for task, weight in choice if weight)
        if not chosen:
            return mean_loss(self.base, self._batched, None)
        adapters = [self.adapters.get(task) for task, _ in chosen]
        merged = merge(METHOD, adapters, chosen, self.settings, dtype=self.base.dtype)
        return mean_loss(self.base, self._batched, merged)

    @cached_property
    def _batched(self) -> tuple[PackedRow, ...]:
        return batches([self._packed(row, answer) for row, answer in self.rows])

    def _packed(self, row: Query, answer: str) -> PackedRow:
        tokenizer, template = self.base.tokenizer, self.template
        prompt = fit_prompt(tokenizer, template, row.context, row.text, row.options, self.base.max_tokens)
        return pack(prompt.text_tokens, [encode_option(tokenizer, template, answer)])
