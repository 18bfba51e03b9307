"""What a GPU's memory allows: the bytes that have to move, over how fast this device moves them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import torch

from benchmarks.asked import Weights
from benchmarks.engine import merged
from composer.merging import MergedAdapter
from composer.merging.cache import bytes_of
from composer.pipeline import Composer

COPIED = 2**31
"""Bytes, so that no cache holds them."""
REPEATS = 20


def gigabytes_per_s() -> float:
    """Of a copy within the GPU's memory, bytes read and bytes written counted alike."""
    source = torch.empty(COPIED, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    target.copy_(source)
    milliseconds = []
    for _ in range(REPEATS):
        begun, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begun.record()
        target.copy_(source)
        ended.record()
        torch.cuda.synchronize()
        milliseconds.append(begun.elapsed_time(ended))
    return 2 * COPIED / statistics.median(milliseconds) / 1e6


def limits(composer: Composer, weights: Weights) -> dict[str, object]:
    """Least milliseconds of a pass, which reads base and merges once, and of the merges, which read their adapters'
    factors and write their own. A merge that lists its adapters' factors copies nothing."""
    speed = gigabytes_per_s()
    merges = merged(composer, weights)
    read = base_bytes(composer) + sum(bytes_of(one.stacks) for one in merges)
    adapters = sum(bytes_of(composer.adapters.get(task).stacks) for task, _ in weights)
    made = [bytes_of(one.stacks) for one in merges if not _listed(one, len(weights))]
    return {
        "gigabytes_per_s": round(speed, 1),
        "pass_gb": round(read / 1e9, 3),
        "pass_ms": round(read / speed / 1e6, 3),
        "merge_gb": round((len(made) * adapters + sum(made)) / 1e9, 3),
        "merge_ms": round((len(made) * adapters + sum(made)) / speed / 1e6, 3),
    }


def base_bytes(composer: Composer) -> int:
    """Of all weights but the embeddings, of which a pass reads some rows, with the scales of few-bit weights."""
    model = composer.base.model
    embeddings = model.get_input_embeddings().weight
    tied = model.get_output_embeddings().weight is embeddings
    weights = [weight for weight in model.parameters() if tied or weight is not embeddings]
    return sum(weight.nbytes + _scales(weight) for weight in weights)


def _scales(weight: torch.Tensor) -> int:
    state = getattr(weight, "quant_state", None)
    if state is None:
        return 0
    nested = getattr(state, "state2", None)
    held: Sequence[torch.Tensor | None] = (state.absmax, nested.absmax if nested is not None else None)
    return sum(tensor.nbytes for tensor in held if tensor is not None)


def _listed(merge: MergedAdapter, adapters: int) -> bool:
    named = [module for stack in merge.stacks for module in stack.modules]
    return adapters > 1 and len(named) > len(set(named))
