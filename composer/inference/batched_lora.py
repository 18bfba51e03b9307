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
from itertools import groupby

import torch
from torch import Tensor, nn

from composer.errors import InferenceError
from composer.merging.factors import MergedAdapter, Stack

JOIN_BYTES = 2**25
"""Of one adapter's modules of a kind: up to here, factors of several slots are copied together for one product."""
ModuleShapes = Mapping[str, tuple[int, int]]
"""Module name -> (out_features, in_features)."""


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

    @property
    def rows(self) -> slice:
        return slice(self.first, self.first + self.a.shape[0])


@dataclass(frozen=True, eq=False)
class Slots:
    """What each part of a batch adds to the base model. Slot 0 is the base itself: it has no update and costs nothing.

    A batch runs as (slots * rows, tokens, features): the rows of a slot next to each other, as many for each slot.
    """

    count: int
    """Slots, the base's included."""
    order: tuple[int, ...]
    """order[i] is the slot of the i-th adapter given: slots go by rank, so that equal ranks share a product."""
    updates: Mapping[str, tuple[Update, ...]]
    """Module name -> its updates. Modules or slots without one are absent; there is no padding of ranks."""


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


def check_fits(adapter: MergedAdapter, shapes: ModuleShapes) -> None:
    """Raises InferenceError for a module that the model lacks, or factors of another shape than the module's."""
    for stack in adapter.stacks:
        found = (stack.b.shape[1], stack.a.shape[2])
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


def build_slots(merged: Sequence[MergedAdapter], device: torch.device | str, dtype: torch.dtype) -> Slots:
    """Slots for the base and these adapters. Copies whole stacks, and nothing at all where a rank stands alone."""
    by_rank = sorted(range(len(merged)), key=lambda i: max((s.a.shape[1] for s in merged[i].stacks), default=0))
    order = {adapter: slot for slot, adapter in enumerate(by_rank, start=1)}
    alike: dict[tuple[str, ...], list[tuple[int, Stack]]] = defaultdict(list)
    for adapter, slot in order.items():
        for stack in merged[adapter].stacks:
            alike[stack.modules].append((slot, stack))
    updates: dict[str, list[Update]] = defaultdict(list)
    for modules, members in alike.items():
        for run in _runs(members):
            # (slots, modules, rank, in): slicing a module out of it is a view, and bmm takes the stride between slots
            a = _joined([stack.a for _, stack in run], device, dtype)
            b = _joined([stack.b for _, stack in run], device, dtype)
            first, scale = run[0][0], run[0][1].scale
            for position, module in enumerate(modules):
                updates[module].append(Update(first, a[:, position], b[:, position], scale))
    return Slots(
        count=len(merged) + 1,
        order=tuple(order[i] for i in range(len(merged))),
        updates={module: tuple(parts) for module, parts in updates.items()},
    )


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
            _add(outputs[update.rows], inputs[update.rows], update)
        return output

    return add_updates


def _add(y: Tensor, x: Tensor, update: Update) -> None:
    """x: (slots, tokens, in), y: (slots, tokens, out), changed in place."""
    low = torch.bmm(x.to(update.a.dtype), update.a.mT)
    if y.dtype == update.b.dtype:
        y.baddbmm_(low, update.b.mT, alpha=update.scale)
    else:  # an int8 layer answers in fp16 whatever it is fed
        y.add_(torch.bmm(low, update.b.mT), alpha=update.scale)
