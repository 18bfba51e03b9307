"""Gates within the forward pass: every token of a slot weighs the adapters anew in every module.

It reads the token's own row of the module's input and nothing else, so what is packed into one row stays hidden from
each other, and no other slot of the batch is touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from composer.merging.gating import GatedAdapter, GatedPart, GatedStack


@dataclass(frozen=True, eq=False)
class Gated:
    """One module's adapters in one slot: y += sum of g_i scale_i B_i A_i x, with g the token's weights."""

    slot: int
    parts: tuple[GatedPart, ...]
    """As in the stack, but of one module: a (ranks, in_features), b (out_features, ranks)"""
    scales: Tensor
    directions: Tensor | None
    """(adapters, in_features)"""
    top_k: int
    temperature: float

    def add_to(self, y: Tensor, x: Tensor) -> None:
        """x: (all slots, tokens, in), y: (all slots, tokens, out), changed in place. What is not finite stays so."""
        x, y = x[self.slot], y[self.slot]
        lows = [torch.mm(x.to(part.a.dtype), part.a.t()) for part in self.parts]
        gains = gates(self._scores(x, lows), self.top_k, self.temperature) * self.scales
        for part, low in zip(self.parts, lows, strict=True):
            low.mul_(gains @ part.owners.t())
            if y.dtype == part.b.dtype:
                y.addmm_(low, part.b.t())
            else:  # an int8 layer answers in fp16 whatever it is fed
                y.add_(torch.mm(low, part.b.t()))

    def _scores(self, x: Tensor, lows: Sequence[Tensor]) -> Tensor:
        """(tokens, adapters) in fp32: in 16 bits, rounding would choose between adapters that are close."""
        if self.directions is not None:
            return torch.mm(x.float(), self.directions.t()).abs_()
        squares = (low.float().square() @ part.owners for low, part in zip(lows, self.parts, strict=True))
        return sum(squares, torch.zeros((), device=x.device)).sqrt()


def gates(scores: Tensor, top_k: int, temperature: float) -> Tensor:
    """(tokens, adapters) to weights of the same shape: a softmax over each token's best `top_k`, 0 for the others."""
    best = scores.topk(min(top_k, scores.shape[-1]), dim=-1)
    weights = torch.softmax(best.values / temperature, dim=-1)
    return torch.zeros_like(scores).scatter_(-1, best.indices, weights)


def gated_updates(
    adapter: GatedAdapter, slot: int, device: torch.device | str, dtype: torch.dtype
) -> Iterator[tuple[str, Gated]]:
    """(module, its update). Copies nothing that is on the device and of the type already."""
    for stack in adapter.stacks:
        near = _near(stack, device, dtype)
        for at, module in enumerate(stack.modules):
            parts = tuple(GatedPart(part.a[at], part.b[at], part.owners) for part in near.parts)
            directions = None if near.directions is None else near.directions[at]
            yield module, Gated(slot, parts, near.scales, directions, adapter.top_k, adapter.temperature)


def _near(stack: GatedStack, device: torch.device | str, dtype: torch.dtype) -> GatedStack:
    parts = tuple(
        GatedPart(part.a.to(device, dtype), part.b.to(device, dtype), part.owners.to(device)) for part in stack.parts
    )
    directions = None if stack.directions is None else stack.directions.to(device)
    return GatedStack(stack.modules, parts, stack.scales.to(device), directions)
