"""The models' work as the page runs it: where a GPU is lent to it, and with its line in the log."""

from __future__ import annotations

from collections.abc import Iterator
from functools import wraps

from composer.config import AppSettings
from composer.pipeline import Composer
from composer.ui.request_log import request
from composer.ui.running import REFERENCES, Run, Work, model_work
from composer.ui.zero_gpu import estimated_seconds, on_gpu


def hosted_work(composer: Composer, settings: AppSettings) -> Work:
    return logged(on_gpu(model_work(composer), seconds_for, wanted=settings.borrows_gpu))


def seconds_for(run: Run) -> int:
    return estimated_seconds(run.query, len(run.waiting) + len(REFERENCES))


def logged(work: Work) -> Work:
    @wraps(work)
    def logged_work(run: Run) -> Iterator[Run]:
        with request("answer") as entry:
            entry.asked(run.query, run.inputs.settings())
            for step in work(run):
                if step.trace is not None:
                    entry.answered(step.trace, whole=not step.waiting)
                yield step

    return logged_work
