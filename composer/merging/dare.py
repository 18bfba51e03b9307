"""DARE's drop and rescale. Which entries go follows from seed, adapter, module and factor, and from nothing else.

So an adapter loses the same entries in every merge, whatever the weights, the other adapters and their order, the way
its modules are stacked, its floating type and the device. PEFT draws anew in every merge.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from composer.errors import MergeError
from composer.merging.factors import AdapterFactors, Stack

CHUNK = 2**15
"""Random numbers in the air at once, of 8 bytes each: few enough for the second-level cache."""


def drop(adapter: AdapterFactors, density: float, seed: int) -> AdapterFactors:
    """Keep every entry with probability `density`, divided by it, so that its expected value stays. fp32 out.

    Of two densities, the lower one keeps a part of what the higher one keeps.
    """
    if density >= 1:
        return adapter
    return replace(adapter, stacks=tuple(_drop(stack, density, f"{seed} {adapter.key}") for stack in adapter.stacks))


def _drop(stack: Stack, density: float, stream: str) -> Stack:
    entries = min(stack.a[0].numel(), stack.b[0].numel())
    if density * entries < 1:
        raise MergeError(
            f"density {density} keeps none of the {entries} entries of a factor of {stack.modules[0]} on average. "
            f"Set it to {1.1 / entries:.2g} or more."
        )
    a = _rescaled(stack.a, density, [f"{stream} {module} A" for module in stack.modules])
    b = _rescaled(stack.b, density, [f"{stream} {module} B" for module in stack.modules])
    return replace(stack, a=a, b=b)


def _rescaled(factors: Tensor, density: float, streams: Sequence[str]) -> Tensor:
    kept = torch.empty(factors.shape, dtype=torch.bool, device=factors.device).flatten(1)
    step = max(1, CHUNK // kept.shape[1])
    for start in range(0, len(kept), step):
        part = kept[start : start + step]
        part.copy_(random_bits(streams[start : start + step], kept.shape[1], kept.device) < threshold(density))
    return factors.float().mul(kept.view(factors.shape)).div_(density)


def threshold(density: float) -> int:
    """The share `density` of all signed 64-bit numbers lies below it."""
    return int(density * 2**64) - 2**63


def random_bits(streams: Sequence[str], count: int, device: torch.device) -> Tensor:
    """(streams, count) int64: a splitmix64 sequence from each stream's hash. Integers, so every device agrees."""
    digests = [hashlib.sha256(stream.encode()).digest() for stream in streams]
    starts = [int.from_bytes(digest[:8], "little", signed=True) for digest in digests]
    bits = torch.arange(1, count + 1, device=device) * _signed(0x9E3779B97F4A7C15)
    bits = bits + torch.tensor(starts, device=device).unsqueeze(1)
    bits = _folded(bits, 30).mul_(_signed(0xBF58476D1CE4E5B9))
    bits = _folded(bits, 27).mul_(_signed(0x94D049BB133111EB))
    return _folded(bits, 31)


def _folded(bits: Tensor, shift: int) -> Tensor:
    # >> copies the sign of a signed number; the mask makes it the unsigned shift.
    return bits ^ (bits >> shift).bitwise_and_(2 ** (64 - shift) - 1)


def _signed(number: int) -> int:
    return number - 2**64 if number >= 2**63 else number
