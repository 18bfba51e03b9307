"""Low-rank updates per row of a batch: one shared model answers for many merges at once, and nothing in it changes.

Every linear layer of the base model gets one forward hook when the model is loaded. The hook reads the slots of the
request at hand from a context variable, so each thread sees its own, or none, in which case the layer is the base's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Protocol

import torch
from torch import Tensor, nn

from composer.errors import InferenceError
from composer.inference.gated import gated_updates
from composer.merging.factors import MergedAdapter, Stack
from composer.merging.gating import AnyAdapter, GatedAdapter

JOIN_BYTES = 2**25
"""Of one adapter's modules of a kind: up to here, factors of several slots are copied together for one product."""
TOGETHER_TOKENS = 512
"""In all slots: up to here, in 16 bits, starting a product costs more than multiplying with other slots' factors."""
ModuleShapes = Mapping[str, tuple[int, int]]
"""Module name -> (out_features, in_features)."""


class Addition(Protocol):
    """What happens to a module's output in a pass."""

    def add_to(self, y: Tensor, x: Tensor) -> None:
        """x: (all slots, tokens, in), y: (all slots, tokens, out), changed in place."""


@dataclass(frozen=True, eq=False)
class Update:
    """The updates of one module in neighbouring slots of equal rank: y += scale (x Aᵀ) Bᵀ, one product for all."""

    first: int
    """The first slot; the others follow it."""
    a: Tensor
    """(slots, rank, in_features)"""
    b: Tensor
    """(slots, out_features, rank)"""
    scale: float = 1.0

    def add_to(self, y: Tensor, x: Tensor) -> None:
        """As `Addition.add_to`."""
        rows = slice(self.first, self.first + self.a.shape[0])
        y, low = y[rows], torch.bmm(x[rows].to(self.a.dtype), self.a.mT)
        if y.dtype == self.b.dtype:
            y.baddbmm_(low, self.b.mT, alpha=self.scale)
        else:  # an int8 layer answers in fp16 whatever it is fed
            y.add_(torch.bmm(low, self.b.mT), alpha=self.scale)


@dataclass(frozen=True, eq=False)
class Together:
    """The updates of one module in all slots as one product: every row meets every slot's factors, and what is not of
    its own slot is multiplied by 0."""

    a: Tensor
    """(rank of all slots together, in_features)"""
    b: Tensor
    """(out_features, rank of all slots together)"""
    gains: Tensor
    """(slots, 1, rank of all slots together): the update's scale where a column is of the slot, else 0"""

    def add_to(self, y: Tensor, x: Tensor) -> None:
        """As `Addition.add_to`. Factors that are not finite make all slots' answers not finite."""
        low = torch.mm(x.reshape(-1, x.shape[-1]).to(self.a.dtype), self.a.t())
        low.view(*x.shape[:2], -1).mul_(self.gains)
        y = y.view(-1, y.shape[-1])
        if y.dtype == self.b.dtype:
            y.addmm_(low, self.b.t())
        else:
            y.add_(torch.mm(low, self.b.t()))


@dataclass(frozen=True, eq=False)
class Slots:
    """What each part of a batch adds to the base model. The base's own slot is the first: it has no update.

    A batch runs as (slots * rows, tokens, features): the rows of a slot next to each other, as many for each slot.
    """

    count: int
    """Slots, the base's included where it has one."""
    order: tuple[int, ...]
    """order[i] is the slot of the i-th adapter given: slots go by rank, so that equal ranks share a product; gates
    come last."""
    updates: Mapping[str, tuple[Addition, ...]]
    """Module name -> its updates. Modules or slots without one are absent; there is no padding of ranks."""

    @property
    def shared(self) -> bool:
        """Whether a slot's factors take part in other slots' products."""
        return any(isinstance(part, Together) for parts in self.updates.values() for part in parts)


_current: ContextVar[Slots | None] = ContextVar("composer_slots", default=None)


@contextmanager
def applied(slots: Slots) -> Iterator[None]:
    """Within the block, and in this thread only, the model's linear layers add these updates."""
    token = _current.set(slots)
    try:
        yield
    finally:
        _current.reset(token)


def attach(model: nn.Module) -> dict[str, tuple[int, int]]:
    """Hook every linear layer, quantized ones included. Returns name -> (out_features, in_features)."""
    shapes: dict[str, tuple[int, int]] = {}
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            module.register_forward_hook(_adder(name))
            shapes[name] = (module.out_features, module.in_features)
    return shapes


def check_fits(adapter: AnyAdapter, shapes: ModuleShapes) -> None:
    """Raises InferenceError for a module that the model lacks, or factors of another shape than the module's."""
    for stack in adapter.stacks:
        found = stack.shape
        for module in stack.modules:
            if module not in shapes:
                raise InferenceError(
                    f"{adapter.method} updates {module!r}, which the base model lacks. "
                    "The adapters were made for another base."
                )
            if shapes[module] != found:
                raise InferenceError(
                    f"{adapter.method} updates {module!r} as (out, in) = {found}, but the base model has "
                    f"{shapes[module]}. The adapters were made for another base."
                )


def together_pays(dtype: torch.dtype, tokens: int) -> bool:
    """For a pass of so many tokens in all slots. In fp32 a product for each rank is faster at any length."""
    return dtype.itemsize == 2 and tokens <= TOGETHER_TOKENS


def build_slots(
    merged: Sequence[AnyAdapter],
    device: torch.device | str,
    dtype: torch.dtype,
    *,
    base_too: bool = True,
    together: bool = False,
) -> Slots:
    """Slots for the base (with `base_too`) and these adapters. Copies whole stacks, and nothing where a rank stands
    alone. `together` makes one product of all merges, unless their factors are large. Gates stay by themselves."""
    first_slot = int(base_too)
    order = {adapter: slot for slot, adapter in enumerate(_by_size(merged), start=first_slot)}
    count = len(merged) + first_slot
    alike: dict[tuple[str, ...], list[tuple[int, Stack]]] = defaultdict(list)
    updates: dict[str, list[Addition]] = defaultdict(list)
    for number, slot in order.items():
        adapter = merged[number]
        if isinstance(adapter, GatedAdapter):
            for module, update in gated_updates(adapter, slot, device, dtype):
                updates[module].append(update)
        else:
            for stack in adapter.stacks:
                alike[stack.modules].append((slot, stack))
    for modules, members in alike.items():
        small = sum(stack.a.nbytes + stack.b.nbytes for _, stack in members) <= JOIN_BYTES
        made = _as_one(members, count, device, dtype) if together and small else _by_rank(members, device, dtype)
        for position, module in enumerate(modules):
            updates[module] += [at(position) for at in made]
    return Slots(
        count=count,
        order=tuple(order[i] for i in range(len(merged))),
        updates={module: tuple(parts) for module, parts in updates.items()},
    )


def _by_size(merged: Sequence[AnyAdapter]) -> list[int]:
    """Merges by ascending rank, then gates."""
    ranks = {
        i: max((stack.a.shape[1] for stack in adapter.stacks), default=0)
        for i, adapter in enumerate(merged)
        if isinstance(adapter, MergedAdapter)
    }
    return [*sorted(ranks, key=lambda i: ranks[i]), *(i for i in range(len(merged)) if i not in ranks)]


_Members = list[tuple[int, Stack]]
"""(slot, its stack), all of the same modules, by ascending slot"""
_At = Callable[[int], Update | Together]
"""The update of the module at a position of the stacks."""


def _by_rank(members: _Members, device: torch.device | str, dtype: torch.dtype) -> list[_At]:
    made: list[_At] = []
    for run in _runs(members):
        # (slots, modules, rank, in): slicing a module out of it is a view, and bmm takes the stride between slots
        a = _joined([stack.a for _, stack in run], device, dtype)
        b = _joined([stack.b for _, stack in run], device, dtype)
        first, scale = run[0][0], run[0][1].scale
        made.append(partial(_of_run, a, b, first, scale))
    return made


def _of_run(a: Tensor, b: Tensor, first: int, scale: float, at: int) -> Update:
    return Update(first, a[:, at], b[:, at], scale)


def _as_one(members: _Members, count: int, device: torch.device | str, dtype: torch.dtype) -> list[_At]:
    a = torch.cat([stack.a for _, stack in members], dim=1).to(device, dtype)
    b = torch.cat([stack.b for _, stack in members], dim=2).to(device, dtype)
    plain = all(stack.scale == 1 for _, stack in members)
    gains = torch.zeros(count, 1, a.shape[1], dtype=dtype if plain else torch.float32)
    start = 0
    for slot, stack in members:
        gains[slot, 0, start : (start := start + stack.a.shape[1])] = stack.scale
    gains = gains.to(device)
    return [lambda at: Together(a[at], b[at], gains)]


def _runs(members: list[tuple[int, Stack]]) -> list[list[tuple[int, Stack]]]:
    """Split (slot, stack) pairs, which come by ascending slot, where rank or scale change or slots do not follow on.

    Large factors stay alone: copying them together costs more time and memory than a product for each.
    """

    def belongs(numbered: tuple[int, tuple[int, Stack]]) -> tuple[float, ...]:
        number, (slot, stack) = numbered
        alone = number if stack.a.nbytes + stack.b.nbytes > JOIN_BYTES else -1
        return stack.a.shape[1], stack.scale, slot - number, alone

    return [[member for _, member in run] for _, run in groupby(enumerate(members), key=belongs)]


def _joined(tensors: list[Tensor], device: torch.device | str, dtype: torch.dtype) -> Tensor:
    stacked = tensors[0].unsqueeze(0) if len(tensors) == 1 else torch.stack(tensors)
    return stacked.to(device=device, dtype=dtype)


def _adder(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor | None]:
    def add_updates(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
        slots = _current.get()
        if slots is None or name not in slots.updates:
            return None
        inputs = args[0].reshape(slots.count, -1, args[0].shape[-1])
        # the layer has just made its output, so adding in place touches nothing that is shared
        outputs = output.view(slots.count, -1, output.shape[-1])
        for update in slots.updates[name]:
            update.add_to(outputs, inputs)
        return output

    return add_updates
