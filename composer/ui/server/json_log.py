"""The log of the whole process: one object of JSON a line, of a bounded length, without what visitors typed."""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

OWN = "composer"
"""The package; what others write may hold anything."""
MAX_LINE = 8_000
MAX_MESSAGE = 300
log = logging.getLogger(__name__)


class JsonLines(logging.Formatter):
    """A record as one line of JSON. Of an exception: its class and where it came from, and its words `with_text`."""

    def __init__(self, *, with_text: bool = False) -> None:
        super().__init__()
        self._with_text = with_text

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            **(getattr(record, "fields", None) or {"message": self._message(record), "logger": record.name}),
        }
        typed = getattr(record, "typed", None)
        if typed and self._with_text:
            line["typed"] = typed
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            line |= self._exception(error)
        return _bounded(line)

    def _message(self, record: logging.LogRecord) -> str:
        """What a library says, without what it says it of: its values may be a visitor's words."""
        if record.name.split(".")[0] == OWN or self._with_text:
            return record.getMessage()
        return str(record.msg).partition("\n")[0][:MAX_MESSAGE]

    def _exception(self, error: BaseException) -> dict[str, Any]:
        frames = traceback.extract_tb(error.__traceback__)
        found = {
            "exception": type(error).__name__,
            "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-20:]],
        }
        return found | ({"exception_text": str(error)} if self._with_text else {})


class Tracebacks:
    """In place of the module `traceback` where a library prints one: its words would be the visitor's."""

    def print_exc(self, *_: object, **__: object) -> None:
        log.error("unexpected error in an event", exc_info=sys.exc_info())

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else the module has
        return getattr(traceback, name)


def log_to(stream: TextIO = sys.stderr, *, with_text: bool = False) -> None:
    """Send there what any logger of the process has to say from now on, and what nobody caught."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines(with_text=with_text))
    root, package = logging.getLogger(), logging.getLogger(OWN)
    root.handlers, package.handlers, package.propagate = [handler], [handler], False
    package.setLevel(logging.INFO)


def catch_the_rest() -> None:
    """What Python itself would print: warnings, and errors that nobody caught."""
    logging.captureWarnings(True)
    sys.excepthook = _not_caught
    threading.excepthook = lambda what: _not_caught(what.exc_type, what.exc_value, what.exc_traceback)
    sys.unraisablehook = lambda what: _not_caught(what.exc_type, what.exc_value, what.exc_traceback)


def settle_libraries(*, with_text: bool = False) -> None:
    """Those that were imported meanwhile bring their own formats, and Gradio prints tracebacks."""
    import gradio
    import uvicorn.config

    for name, one in logging.Logger.manager.loggerDict.items():
        if isinstance(one, logging.Logger) and name != OWN and one.handlers:
            one.handlers, one.propagate = [], True
    for formatter in uvicorn.config.LOGGING_CONFIG["formatters"]:
        uvicorn.config.LOGGING_CONFIG["formatters"][formatter] = {"()": JsonLines, "with_text": with_text}
    for name in ("queueing", "routes", "route_utils"):
        vars(getattr(gradio, name))["traceback"] = Tracebacks()


def _bounded(line: dict[str, Any]) -> str:
    # ASCII alone: a line or paragraph separator ends a line for some who read it
    text = json.dumps(line, default=str)
    if len(text) <= MAX_LINE:
        return text
    share = MAX_LINE // (12 * max(len(line), 1))
    return json.dumps({key: _cut(value, share) for key, value in line.items()}, default=str)


def _cut(value: object, most: int) -> object:
    """Of at most `most` characters, each of which JSON may write as six; two emoji as twelve."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return value if len(text) <= most else f"{text[:most]}…"


def _not_caught(kind: type[BaseException], error: BaseException | None, where: TracebackType | None) -> None:
    if error is None or issubclass(kind, SystemExit | KeyboardInterrupt):
        return
    log.critical("nobody caught an error", exc_info=(kind, error, where))
