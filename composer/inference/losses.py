"""What a merge loses on given answers, over many rows in a pass: a search over weights asks for it many times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain

from composer.inference.base import BaseModel
from composer.inference.batched_lora import build_slots, check_fits
from composer.inference.packing import PackedRow, joined
from composer.inference.scoring import _log_probabilities
from composer.merging.factors import MergedAdapter

TOKENS_AT_ONCE = 1_024
"""Of one pass, unless a single row has more: attention's cost grows with their square."""


def batches(rows: Sequence[PackedRow]) -> tuple[PackedRow, ...]:
    """The rows in their order, joined to as many passes as `TOKENS_AT_ONCE` asks for."""
    groups: list[list[PackedRow]] = []
    for row in rows:
        if groups and sum(len(one.ids) for one in groups[-1]) + len(row.ids) <= TOKENS_AT_ONCE:
            groups[-1].append(row)
        else:
            groups.append([row])
    return tuple(joined(group) for group in groups)


def mean_loss(base: BaseModel, batched: Sequence[PackedRow], merged: MergedAdapter | None) -> float:
    """The mean over all answers in the batches of their negative log-probability (nats) per token.

    `merged` is None for the base model alone. Infinite for a merge whose numbers overflow. Raises InferenceError for
    one that was made for another base.
    """
    if merged is not None:
        check_fits(merged, base.module_shapes)
    slots = build_slots([merged] if merged else [], base.device, base.dtype, base_too=merged is None)
    sums = chain.from_iterable(_log_probabilities(base, slots, row)[0] for row in batched)
    lengths = chain.from_iterable(row.lengths for row in batched)
    losses = [-total / length for total, length in zip(sums, lengths, strict=True)]
    return math.fsum(losses) / len(losses) if all(map(math.isfinite, losses)) else math.inf
