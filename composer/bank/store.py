"""A bank's adapters in memory: read when first asked for, and only so many bytes of them kept."""

from __future__ import annotations

import threading
from collections import OrderedDict

from composer.bank.hub import folder_of
from composer.bank.manifest import ADAPTER_FILES, Bank
from composer.bank.reading import BaseShapes, read_adapter
from composer.merging.factors import AdapterFactors

DEFAULT_BYTES = 2 * 1024**3


class AdapterStore:
    """Safe to call from several threads: what two ask for at once is read once, different adapters side by side."""

    def __init__(self, bank: Bank, base_shapes: BaseShapes, max_bytes: int = DEFAULT_BYTES) -> None:
        self.bank = bank
        self.reads = 0
        """How often an adapter was read from its files."""
        self._base_shapes = base_shapes
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, AdapterFactors] = OrderedDict()
        self._guard = threading.Lock()
        self._reading = {task: threading.Lock() for task in bank.tasks}

    def get(self, task: str) -> AdapterFactors:
        """Raises BankError for a task without an adapter, AdapterError for one that is damaged or refused."""
        source = self.bank.adapter(task)
        with self._reading[task]:
            found = self._recall(task)
            if found is not None:
                return found
            folder, within = folder_of(source, ADAPTER_FILES)
            factors = read_adapter(
                folder, name=task, base_shapes=self._base_shapes, sha256=dict(source.sha256), within=within
            )
            self._keep(task, factors)
            return factors

    @property
    def kept(self) -> tuple[str, ...]:
        """The tasks in memory, the one asked for last at the end."""
        with self._guard:
            return tuple(self._kept)

    def _recall(self, task: str) -> AdapterFactors | None:
        with self._guard:
            if task in self._kept:
                self._kept.move_to_end(task)
            return self._kept.get(task)

    def _keep(self, task: str, factors: AdapterFactors) -> None:
        with self._guard:
            self.reads += 1
            self._kept[task] = factors
            # The newest stays even where it alone is over the limit: whoever asked holds it anyway.
            while len(self._kept) > 1 and sum(map(size_of, self._kept.values())) > self._max_bytes:
                self._kept.popitem(last=False)


def size_of(factors: AdapterFactors) -> int:
    """Bytes of all factors."""
    return sum(tensor.numel() * tensor.element_size() for stack in factors.stacks for tensor in (stack.a, stack.b))
