"""What is kept between questions, bounded by bytes: adapters read from disk, trimmed ones, finished merges."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from threading import Lock
from typing import Generic, TypeVar

from composer.config import MergeSettings
from composer.merging.factors import AdapterFactors, Stack
from composer.merging.method import Method

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ByteCache(Generic[K, V]):
    """The least recently used value goes first. Threads may share one, and the values: read them only."""

    def __init__(self, max_bytes: int, size_of: Callable[[V], int]) -> None:
        """What alone is larger than `max_bytes` is not kept at all."""
        self.max_bytes = max_bytes
        self._size_of = size_of
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def keys(self) -> tuple[K, ...]:
        """The one used last at the end."""
        with self._lock:
            return tuple(self._kept)

    def or_made(self, key: K, make: Callable[[], V]) -> V:
        """The value kept under the key, or a new one, which is kept."""
        found = self._get(key)
        if found is not None:
            return found
        # Outside of the lock: two threads may make the same value, to equal results, but none waits for another.
        made = make()
        self._put(key, made)
        return made

    def _get(self, key: K) -> V | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _put(self, key: K, value: V) -> None:
        size = self._size_of(value)
        if size > self.max_bytes:
            return
        with self._lock:
            if key in self._kept:
                self._bytes -= self._size_of(self._kept.pop(key))
            self._kept[key] = value
            self._bytes += size
            while self._bytes > self.max_bytes:
                self._bytes -= self._size_of(self._kept.popitem(last=False)[1])


MergeKey = tuple[Hashable, ...]


def merge_key(
    name: str,
    method: Method,
    adapters: Sequence[AdapterFactors],
    choice: Sequence[tuple[str, float]],
    how: MergeSettings,
) -> MergeKey:
    """All that a merge's numbers depend on: adapters by content, not by name alone, and the method by its function."""
    first = adapters[0].stacks[0].a
    return name, method, tuple(adapter.key for adapter in adapters), tuple(choice), how, first.device, first.dtype


def bytes_of(stacks: Sequence[Stack]) -> int:
    return sum(stack.nbytes for stack in stacks)
