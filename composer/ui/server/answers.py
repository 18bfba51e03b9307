"""The one thread in which answers are made: how long each may take, and whether anybody still waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextvars import copy_context
from functools import wraps
from queue import SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any

from composer.errors import ComposerError

if TYPE_CHECKING:
    # torch comes with them, and health knows this thread before it is there
    from composer.ui.running import Run, Work

LOOK_SECONDS = 0.5
"""Between two looks whether somebody still waits."""
LEFT = "Nobody waits for this answer any more."
_END = object()


class Answers:
    """A step that hangs cannot be stopped, but it holds up no visitor for longer than the limit, and health tells."""

    def __init__(self) -> None:
        self.limit = float("inf")
        """Seconds; past them an answer counts as stuck."""
        self._tasks: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._since: dict[int, float] = {}

    @property
    def oldest_seconds(self) -> float:
        """Of the answer that has run for the longest; 0 where none runs."""
        since = tuple(self._since.values())
        return monotonic() - min(since) if since else 0.0

    @property
    def stuck(self) -> bool:
        return self.oldest_seconds > self.limit

    def limited(self, work: Work, seconds: float, wanted: Callable[[], Callable[[], bool]]) -> Work:
        """The work, refused with a sentence when it has taken that long, and given up when nobody wants it any more.

        Called once. `wanted` is called within the visitor's event, and what it gives back is asked from time to time.
        """
        self.limit = seconds
        # as a daemon it ends with the process, also where a step hangs
        threading.Thread(target=self._keep_working, name="answers", daemon=True).start()

        @wraps(work)
        def limited_work(run: Run) -> Iterator[Run]:
            steps, deadline, still_wanted = work(run), monotonic() + seconds, wanted()
            self._since[id(steps)] = monotonic()
            try:
                while (step := self._next(steps, deadline, still_wanted)) is not _END:
                    yield step
            finally:
                self._do(lambda: self._close(steps))

        return limited_work

    def _next(self, steps: Iterator[Run], deadline: float, wanted: Callable[[], bool]) -> Any:  # noqa: ANN401
        """The next Run, or _END."""
        context = copy_context()
        coming = self._do(lambda: context.run(next, steps, _END))
        while True:
            left = deadline - monotonic()
            if left <= 0 and not coming.done():
                coming.cancel()
                raise ComposerError(_too_long(self.limit))
            try:
                return coming.result(min(max(left, 0), LOOK_SECONDS))
            except TimeoutError:
                if coming.done():
                    raise
            if not wanted():
                coming.cancel()
                raise ComposerError(LEFT)

    def _close(self, steps: Any) -> None:  # noqa: ANN401 - a generator
        try:
            steps.close()
        finally:
            self._since.pop(id(steps), None)

    def _do(self, task: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        self._tasks.put((future, task))
        return future

    def _keep_working(self) -> None:
        while True:
            future, task = self._tasks.get()
            if future.set_running_or_notify_cancel():
                _fill(future, task)
            # or the last answer would be kept until the next
            del future, task


def _fill(future: Future[Any], task: Callable[[], Any]) -> None:
    try:
        future.set_result(task())
    except BaseException as error:
        future.set_exception(error)


def _too_long(seconds: float) -> str:
    return (
        f"The answer was not there after {seconds:.0f} seconds, the most that one may take here. "
        "Ask for fewer methods, or shorten the passage."
    )
