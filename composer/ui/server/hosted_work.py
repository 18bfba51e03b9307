"""The models' work as the page runs it: where a GPU is lent to it, within a time limit, with its line in the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps

from gradio.context import LocalContext

from composer.config import AppSettings
from composer.lineup import REFERENCES
from composer.pipeline import Composer
from composer.ui.running import Run, Work, is_slow, model_work
from composer.ui.server.answers import Answers
from composer.ui.server.presence import is_awaited
from composer.ui.server.request_log import request
from composer.ui.server.zero_gpu import estimated_seconds, on_gpu

SECONDS, SLOW_SECONDS = 30, 600
"""That one answer may take: of a base model that answers at once, and of one that answers method by method."""


def hosted_work(composer: Composer, settings: AppSettings, answers: Answers) -> Work:
    work = on_gpu(model_work(composer), seconds_for, wanted=settings.borrows_gpu)
    if not settings.borrows_gpu:
        # a GPU is lent for a time of its own
        seconds = settings.answer_seconds or (SLOW_SECONDS if is_slow(composer) else SECONDS)
        work = answers.limited(work, seconds, wanted_by_visitor)
    return logged(work)


def seconds_for(run: Run) -> int:
    return estimated_seconds(run.trace.query, len(run.waiting) + len(REFERENCES))


def wanted_by_visitor() -> Callable[[], bool]:
    """Whether the visitor whose event this is still waits; always so outside of an event."""
    event = LocalContext.request.get(None)
    if event is None or event.request is None or not event.session_hash:
        return lambda: True
    app, session = event.request.app, event.session_hash
    return lambda: is_awaited(app, session)


def logged(work: Work) -> Work:
    @wraps(work)
    def logged_work(run: Run) -> Iterator[Run]:
        with request("answer") as entry:
            entry.asked(run.trace.query, run.inputs.settings())
            for step in work(run):
                entry.answered(step.trace, whole=not step.waiting)
                yield step

    return logged_work
