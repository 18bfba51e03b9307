"""SIGTERM, as a host sends it before it takes the machine away: answers are finished first, then the process ends."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from time import monotonic, sleep
from types import FrameType

DRAIN_SECONDS = 10.0
"""A host that waits for less kills, and one that waits for more is not kept waiting."""
LOOK_SECONDS = 0.1
STOPPING = "The app is being restarted; try again in a minute."


class Stopping:
    """The first SIGTERM asks; a second one ends the process at once."""

    def __init__(self) -> None:
        self.asked = False
        self._waiting = False

    def listen(self) -> None:
        """A process with number 1, as in a container, ignores signals that it has no handler for."""
        signal.signal(signal.SIGTERM, self._hear)

    def wait(self) -> None:
        """Until asked, or interrupted from the keyboard."""
        self._waiting = True
        # no lock and no event: the handler runs in this thread, and could find it taken
        while not self.asked:
            sleep(LOOK_SECONDS)

    def drain(self, is_idle: Callable[[], bool]) -> None:
        give_up = monotonic() + DRAIN_SECONDS
        while not is_idle() and monotonic() < give_up:
            sleep(LOOK_SECONDS)

    def leave(self) -> None:
        """Ends the process with status 0, whatever its threads still do; comes back if nobody asked for that."""
        if self.asked:
            _end()

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            _end()
        self.asked = True
        if not self._waiting:
            # nothing is served yet: there is nothing to finish
            raise SystemExit(0)


def _end() -> None:
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
