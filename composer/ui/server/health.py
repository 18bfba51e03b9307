"""Whether the app works, as a program may ask: `/healthz`. Answers from a value at hand: no lock, no model."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Any

from composer import __version__
from composer.errors import ComposerError
from composer.heap import give_back_free_memory
from composer.ui.server.answers import Answers

if TYPE_CHECKING:
    # Its torch takes long to import, and a cold start answers before.
    from composer.pipeline import Composer

log = logging.getLogger(__name__)

PATHS = ("/healthz", "/gradio_api/healthz")
"""The second one also works where Node stands in front: it passes on what lies below that prefix, and little else."""
CHECK_EVERY = 20.0
"""Seconds between two looks at the index, after each of which memory is given back."""


@dataclass(frozen=True)
class Status:
    """`starting`, `ok` or `damaged`; a report also knows `stuck` (in an answer) and `stopping`."""

    state: str
    bank: str
    model: Mapping[str, object]
    examples: int = 0
    canary: bool = False
    """Whether the index's canaries found themselves when they were last asked."""
    checked: float = 0.0
    """Of `monotonic`."""


class Health:
    """Starts cold. `watch` makes it warm and keeps looking after the index until `close`."""

    def __init__(self, bank: str) -> None:
        self.answers = Answers()
        self.closing = False
        """Whether the process was asked to stop: a host sends nobody here any more."""
        self._started = monotonic()
        # Replaced as a whole and never changed: a reader needs no lock.
        self._status = Status("starting", bank, {"loaded": False})
        self._closed = threading.Event()

    def watch(self, composer: Composer) -> None:
        base = composer.base
        self._status = Status(
            "ok",
            composer.bank.name,
            {"loaded": True, "device": base.device.type, "quantization": base.quantization},
            composer.index.manifest.total,
        )
        self.check(composer)
        threading.Thread(target=self._keep_checking, args=(composer,), name="health", daemon=True).start()

    def check(self, composer: Composer) -> None:
        """Ask the index for its canaries now."""
        try:
            composer.index.check()
            found = True
        except ComposerError as error:
            log.error("the index failed its check: %s", error)
            found = False
        state = "ok" if found else "damaged"
        self._status = replace(self._status, state=state, canary=found, checked=monotonic())

    def close(self) -> None:
        self._closed.set()

    def report(self) -> tuple[int, dict[str, Any]]:
        """(HTTP status, JSON): 200 where questions are answered; 503 while cold, damaged, stuck or stopping."""
        status, now = self._status, monotonic()
        body: dict[str, Any] = {
            "status": status.state,
            "version": __version__,
            "bank": status.bank,
            "model": dict(status.model),
            "uptime_seconds": round(now - self._started, 1),
        }
        if status.checked:
            since = round(now - status.checked, 1)
            body["index"] = {"examples": status.examples, "canary": status.canary, "checked_seconds_ago": since}
            body["oldest_answer_seconds"] = round(self.answers.oldest_seconds, 1)
        if status.state == "ok" and (self.closing or self.answers.stuck):
            body["status"] = "stopping" if self.closing else "stuck"
        return (200 if body["status"] == "ok" else 503), body

    def _keep_checking(self, composer: Composer) -> None:
        while not self._closed.wait(CHECK_EVERY):
            self.check(composer)
            give_back_free_memory()
