"""One line of JSON per request in the log: what was asked for in numbers, how long each stage took, how it ended.

What a visitor typed is not in it, nor in the line of an unexpected error, unless the settings say so.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, TextIO

from composer.config import Settings
from composer.errors import ComposerError
from composer.types import Query, Trace

log = logging.getLogger("composer.requests")


@dataclass
class Entry:
    """The line of one request, filled in while it runs."""

    kind: str
    with_text: bool
    values: dict[str, Any] = field(default_factory=dict)

    def asked(self, query: Query, settings: Settings) -> None:
        self.values |= {
            "question_chars": len(query.text),
            "passage_chars": len(query.context or ""),
            "options": len(query.options),
            "methods": list(settings.methods),
        }
        if self.with_text:
            self.values |= {"question": query.text, "passage": query.context, "options_text": list(query.options)}

    def answered(self, trace: Trace) -> None:
        self.values |= {
            "adapters": len(trace.weights.kept),
            "timings_ms": {stage: round(ms, 1) for stage, ms in trace.timings_ms},
            "failed_methods": [failure.method for failure in trace.failures],
        }


@dataclass(frozen=True)
class RequestLog:
    with_text: bool = False

    @contextmanager
    def request(self, kind: str) -> Iterator[Entry]:
        """Writes the line when the block is left: `done`, `refused` (a ComposerError), `failed`, or `left` where the
        visitor went away while it ran."""
        entry, start, outcome = Entry(kind, self.with_text), perf_counter(), "done"
        try:
            yield entry
        except GeneratorExit:
            outcome = "left"
            raise
        except BaseException as error:
            outcome = "refused" if isinstance(error, ComposerError) else "failed"
            entry.values["error"] = type(error).__name__
            raise
        finally:
            milliseconds = round((perf_counter() - start) * 1000, 1)
            fields = {"request": kind, "outcome": outcome, "milliseconds": milliseconds, **entry.values}
            log.info("request", extra={"fields": fields})


class JsonLines(logging.Formatter):
    """A record as one line of JSON. Of an exception: its class and where it came from, and its words `with_text`."""

    def __init__(self, with_text: bool = False) -> None:
        super().__init__()
        self._with_text = with_text

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            **(getattr(record, "fields", None) or {"message": record.getMessage(), "logger": record.name}),
        }
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            frames = traceback.extract_tb(error.__traceback__)
            line["exception"] = type(error).__name__
            line["at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
            if self._with_text:
                line["exception_text"] = str(error)
        return json.dumps(line, ensure_ascii=False, default=str)


def log_to(stream: TextIO = sys.stderr, *, with_text: bool = False) -> None:
    """Send what the package logs there, from now on."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines(with_text))
    package = logging.getLogger("composer")
    package.handlers, package.propagate = [handler], False
    package.setLevel(logging.INFO)
