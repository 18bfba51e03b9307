"""The models' work as the page runs it: where a GPU is lent to it, and with its line in the log."""

from __future__ import annotations

from collections.abc import Iterator
from functools import wraps

from composer.config import AppSettings
from composer.lineup import REFERENCES
from composer.pipeline import Composer
from composer.ui.running import Run, Work, model_work
from composer.ui.server.request_log import request
from composer.ui.server.zero_gpu import estimated_seconds, on_gpu


def hosted_work(composer: Composer, settings: AppSettings) -> Work:
    return logged(on_gpu(model_work(composer), seconds_for, wanted=settings.borrows_gpu))


def seconds_for(run: Run) -> int:
    return estimated_seconds(run.trace.query, len(run.waiting) + len(REFERENCES))


def logged(work: Work) -> Work:
    @wraps(work)
    def logged_work(run: Run) -> Iterator[Run]:
        with request("answer") as entry:
            entry.asked(run.trace.query, run.inputs.settings())
            for step in work(run):
                entry.answered(step.trace, whole=not step.waiting)
                yield step

    return logged_work
