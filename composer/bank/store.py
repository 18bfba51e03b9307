"""A bank's adapters in memory: read when first asked for, and only so many bytes of them kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from composer.bank.manifest import ADAPTER_FILES, Bank
from composer.bank.reading import BaseShapes, read_adapter
from composer.bank.sources import folder_of
from composer.config import ADAPTER_BYTES
from composer.merging.cache import ByteCache, bytes_of
from composer.merging.factors import AdapterFactors

DEVICE_BYTES = 1_400_000_000
"""Of adapters on a GPU: four of rank 64 for a 7b model, in bfloat16. Their trimmed copies may take as much again."""
CPU = torch.device("cpu")


class AdapterStore:
    """Safe to call from several threads: what two ask for at once is read once, different adapters side by side.

    Beside a model on a GPU, adapters wait in pinned host memory in the model's type, and only those asked for are on
    the GPU. Their copy is asynchronous: the GPU's own order of work has it there before the first merge reads it.
    """

    def __init__(
        self,
        bank: Bank,
        base_shapes: BaseShapes,
        max_bytes: int = ADAPTER_BYTES,
        *,
        device: torch.device = CPU,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.bank = bank
        self.reads = 0
        """How often an adapter was read from its files."""
        self._base_shapes = base_shapes
        self._device, self._dtype = device, dtype
        self._host: ByteCache[str, AdapterFactors] = ByteCache(max_bytes, size_of)
        self._near: ByteCache[str, AdapterFactors] = ByteCache(DEVICE_BYTES, size_of)
        self._reading = {task: threading.Lock() for task in bank.tasks}

    def get(self, task: str) -> AdapterFactors:
        """Raises BankError for a task without an adapter, AdapterError for one that is damaged or refused."""
        self.bank.adapter(task)
        with self._reading[task]:
            if self._device.type == "cpu":
                return self._on_host(task)
            return self._near.or_made(
                task, lambda: _mapped(self._on_host(task), lambda t: t.to(self._device, non_blocking=True))
            )

    def on_host(self, task: str) -> AdapterFactors:
        """As `get`, but left in the host's memory whatever the device: for what reads little of it."""
        self.bank.adapter(task)
        with self._reading[task]:
            return self._on_host(task)

    @property
    def kept(self) -> tuple[str, ...]:
        """The tasks in the host's memory, the one asked for last at the end."""
        return self._host.keys

    def _on_host(self, task: str) -> AdapterFactors:
        return self._host.or_made(task, lambda: self._read(task))

    def _read(self, task: str) -> AdapterFactors:
        source = self.bank.adapter(task)
        folder, within = folder_of(source, ADAPTER_FILES)
        factors = read_adapter(
            folder, name=task, base_shapes=self._base_shapes, sha256=dict(source.sha256), within=within
        )
        self.reads += 1
        if self._device.type == "cpu":
            return factors
        return _mapped(factors, lambda tensor: tensor.to(self._dtype).pin_memory())


def size_of(factors: AdapterFactors) -> int:
    """Bytes of all factors."""
    return bytes_of(factors.stacks)


def _mapped(factors: AdapterFactors, change: Callable[[Tensor], Tensor]) -> AdapterFactors:
    return replace(factors, stacks=tuple(replace(s, a=change(s.a), b=change(s.b)) for s in factors.stacks))
