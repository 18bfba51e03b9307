"""How much one visitor may ask for, so that another one's question is answered soon."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

WAITING = 2
"""Questions of one visitor that wait for the models, besides the one that is being answered."""
PENDING = 12
"""Events of one visitor that wait or run, quick ones included: more than the page's sliders ever send at once."""
BURST, PER_SECOND = 300.0, 10.0
"""A slider that is dragged for ten seconds sends 200 events."""
REMEMBERED = 10_000
"""Visitors; whoever comes back after that many others is a new one."""

WAITS = f"{WAITING} of your questions are waiting already. Ask again when one of them is answered."
HURRIES = "These are more questions than a person asks. Wait some seconds, then ask again."


@dataclass(frozen=True)
class Load:
    """A visitor's events in the queue."""

    waiting: int
    """For the models."""
    pending: int
    """All that wait or run."""

    @property
    def is_full(self) -> bool:
        return self.waiting >= WAITING or self.pending >= PENDING


@dataclass
class Rates:
    """A bucket of events per visitor, which fills up again with time."""

    now: Callable[[], float] = monotonic
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    """Visitor to (events left, when that was)."""

    def take(self, visitor: str) -> bool:
        """Whether the visitor had one left."""
        now = self.now()
        left, when = self._buckets.pop(visitor, (BURST, now))
        left = min(BURST, left + (now - when) * PER_SECOND)
        self._buckets[visitor] = (max(left - 1, 0.0), now)
        while len(self._buckets) > REMEMBERED:
            self._buckets.popitem(last=False)
        return left >= 1


class Served:
    """When each visitor had a turn last."""

    def __init__(self) -> None:
        self._turns: OrderedDict[str, int] = OrderedDict()
        self._count = 0

    def note(self, visitor: str) -> None:
        self._count += 1
        self._turns.pop(visitor, None)
        self._turns[visitor] = self._count
        while len(self._turns) > REMEMBERED:
            self._turns.popitem(last=False)

    def last(self, visitor: str) -> int:
        """0 for one who had none."""
        return self._turns.get(visitor, 0)
