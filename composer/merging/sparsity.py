"""Trimming to a density. It does not depend on the weights, so it is done once per adapter and density, and kept."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from composer.errors import MergeError
from composer.merging.cache import ByteCache, bytes_of
from composer.merging.factors import AdapterFactors, Stack


def trim(adapter: AdapterFactors, density: float) -> AdapterFactors:
    """Zero all but the largest int(density * entries) of every module's A, and of its B apart. Keeps the type."""
    if density >= 1:
        return adapter
    return replace(adapter, stacks=tuple(_trim_stack(stack, density) for stack in adapter.stacks))


def _trim_stack(stack: Stack, density: float) -> Stack:
    entries = min(stack.a[0].numel(), stack.b[0].numel())
    if int(density * entries) == 0:
        raise MergeError(
            f"density {density} keeps none of the {entries} entries of a factor of {stack.modules[0]}. "
            f"Set it to {1.1 / entries:.2g} or more."
        )
    return replace(stack, a=_largest(stack.a, density), b=_largest(stack.b, density))


def _largest(factors: Tensor, density: float) -> Tensor:
    # Among equals, topk picks the same row by row as on one flat tensor. Sorting would cost five times more.
    flat = factors.flatten(1)
    kept = flat.abs().float().topk(int(density * flat.shape[1]), dim=1, sorted=False).indices
    return torch.zeros_like(flat).scatter_(1, kept, flat.gather(1, kept)).view(factors.shape)


CacheKey = tuple[str, float, torch.device, torch.dtype]


class TrimCache:
    """Trimmed adapters by content and density. Threads may share one."""

    def __init__(self, max_bytes: int = 2**30) -> None:
        self._kept: ByteCache[CacheKey, tuple[Stack, ...]] = ByteCache(max_bytes, bytes_of)

    def __len__(self) -> int:
        return len(self._kept)

    def trim(self, adapter: AdapterFactors, density: float) -> AdapterFactors:
        """As the function `trim`, from the cache where it can. The tensors are shared: read them only."""
        if density >= 1:
            return adapter
        first = adapter.stacks[0].a
        key = (adapter.key, density, first.device, first.dtype)
        return replace(adapter, stacks=self._kept.or_made(key, lambda: trim(adapter, density).stacks))
