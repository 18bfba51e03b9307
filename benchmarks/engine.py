"""The engine without its retrieval: what answers questions whose task weights are at hand. No index, no encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch

from benchmarks.asked import Asked, Weights
from benchmarks.plan import METHODS, SETTINGS, Plan
from composer.bank.manifest import Bank
from composer.bank.store import DEVICE_BYTES, AdapterStore
from composer.config import ADAPTER_BYTES
from composer.errors import ComposerError
from composer.inference.base import BaseModel, load_base
from composer.inference.gguf import base_folder
from composer.inference.packing import additive_mask, pack
from composer.inference.prompts import encode_option
from composer.merging import MergedAdapter, TrimCache
from composer.merging.cache import ByteCache
from composer.merging.gating import GateParts
from composer.pipeline import Composer
from composer.retrieval.encoder import Encoder
from composer.retrieval.index import SearchIndex
from composer.types import Prediction, Query


@dataclass(frozen=True)
class Absent:
    """In the place of what is not asked."""

    name: str

    def __getattr__(self, asked: str) -> object:
        raise ComposerError(f"no {self.name} was opened here, and its {asked} is asked for. Use Composer.open.")


def opened(bank: Bank, plan: Plan, dtype: torch.dtype | None = None) -> Composer:
    """As `Composer.open`, but for the retrieval. Merges are not kept, trimmed adapters are."""
    folder = base_folder(bank.base, plan.cache_dir)
    return around(bank, load_base(folder, quantization=bank.quantization, device=plan.device, dtype=dtype))


def around(bank: Bank, base: BaseModel) -> Composer:
    nearby = ADAPTER_BYTES if base.device.type == "cpu" else DEVICE_BYTES
    return Composer(
        bank=bank,
        encoder=cast(Encoder, Absent("encoder")),
        index=cast(SearchIndex, Absent("index")),
        base=base,
        adapters=AdapterStore(bank, base.module_shapes, device=base.device, dtype=base.dtype),
        trimmed=TrimCache(nearby),
        merges=ByteCache(0, lambda merged: 1),
        gate_parts=GateParts(nearby // 8),
    )


def forgetful(composer: Composer) -> Composer:
    """The same, but nothing of a question is remembered: neither its vector nor its merges. Trimmed adapters are."""
    encoder = Encoder(composer.bank.encoder, cache_size=1)
    encoder.load()
    return replace(composer, encoder=encoder, merges=ByteCache(0, lambda merged: 1))


def adapters_of(composer: Composer, query: Query) -> Weights:
    """By retrieval."""
    return composer.route(composer.retrieve(query, SETTINGS), SETTINGS).kept


def answer(composer: Composer, asked: Asked) -> tuple[Prediction, ...]:
    """A compare from the weights on, without the contributions, which have no counterpart in PEFT."""
    return scored(composer, asked.query, merged(composer, asked.weights))


def merged(composer: Composer, weights: Weights) -> list[MergedAdapter]:
    return [composer.merge(weights, SETTINGS, method) for method in METHODS]


def scored(composer: Composer, query: Query, merges: Sequence[MergedAdapter]) -> tuple[Prediction, ...]:
    return tuple(one for one in composer.score(query, merges, SETTINGS) if isinstance(one, Prediction))


def option_ids(composer: Composer, query: Query) -> list[tuple[int, ...]]:
    return [encode_option(composer.base.tokenizer, composer.bank.prompt_template, one) for one in query.options]


def row_length(composer: Composer, query: Query) -> int:
    """Tokens of the packed row."""
    return len(pack(composer.fit(query).text_tokens, option_ids(composer, query)).ids)


def bare_forward(composer: Composer, query: Query, slots: int = len(METHODS) + 1) -> Callable[[], object]:
    """The least that a compare can take: the question's packed row, once per slot, through the base alone."""
    base, row = composer.base, pack(composer.fit(query).text_tokens, sorted(set(option_ids(composer, query))))
    inputs = {
        "input_ids": row.ids.to(base.device).expand(slots, -1),
        "attention_mask": additive_mask(row.visible, base.model.dtype).to(base.device),
        "position_ids": row.positions.to(base.device)[None],
        "logits_to_keep": row.predictors.to(base.device),
    }

    def forward() -> None:
        with torch.inference_mode():
            base.model(**inputs, use_cache=False)

    return forward


def settled(composer: Composer) -> Callable[[], object]:
    """What waits until the device has done its work."""
    return torch.cuda.synchronize if composer.base.device.type == "cuda" else lambda: None
