"""One line of JSON per request in the log: what was asked for in numbers, how long each stage took, how it ended.

What a visitor typed stays out of it, and of the line of an unexpected error, unless the settings say otherwise.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from composer.config import Settings
from composer.errors import ComposerError
from composer.types import Query, Trace

log = logging.getLogger("composer.requests")


@dataclass
class Entry:
    """The line of one request, filled in while it runs."""

    values: dict[str, Any] = field(default_factory=dict)
    typed: dict[str, Any] = field(default_factory=dict)
    """In the visitor's words."""
    whole: bool = False
    """All methods have answered: from here on, a visitor who leaves has what was asked for."""

    def asked(self, query: Query, settings: Settings) -> None:
        self.values |= {
            "question_chars": len(query.text),
            "passage_chars": len(query.context or ""),
            "options": len(query.options),
            "methods": list(settings.methods),
        }
        self.typed = {"question": query.text, "passage": query.context, "options": list(query.options)}

    def answered(self, trace: Trace, *, whole: bool) -> None:
        self.whole = whole
        self.values |= {
            "adapters": len(trace.weights.kept),
            "timings_ms": {stage: round(ms, 1) for stage, ms in trace.timings_ms},
            "failed_methods": [failure.method for failure in trace.failures],
        }


@contextmanager
def request(kind: str) -> Iterator[Entry]:
    """Writes the line when the block is left: `done`, `refused` (a ComposerError), `failed`, or `left`, where the
    visitor went away before the answer was whole."""
    entry, start, outcome = Entry(), perf_counter(), "done"
    try:
        yield entry
    except GeneratorExit:
        outcome = "done" if entry.whole else "left"
        raise
    except BaseException as error:
        outcome = "refused" if isinstance(error, ComposerError) else "failed"
        entry.values["error"] = type(error).__name__
        raise
    finally:
        milliseconds = round((perf_counter() - start) * 1000, 1)
        fields = {"request": kind, "outcome": outcome, "milliseconds": milliseconds, **entry.values}
        log.info("request", extra={"fields": fields, "typed": entry.typed})
