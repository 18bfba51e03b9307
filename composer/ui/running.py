"""A run as the page makes it, in two steps: what the question resembles at once, then what the merges answer.

The second step is one generator, `model_work`: whatever a run asks of a model happens within it.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from composer.config import ROOT
from composer.errors import ComposerError
from composer.lineup import LINEUP
from composer.pipeline import Composer
from composer.routing import reweigh
from composer.types import Failure, Trace
from composer.ui.inputs import Inputs
from composer.ui.markup import sentence
from composer.ui.server.request_log import request

log = logging.getLogger(__name__)

UNEXPECTED = "Something unexpected went wrong here; the server's log has the details. Your last result is still below."
SLOW_PARAMETERS = 500_000_000
"""Of a base model. Above it, a visitor would wait for seconds until the last of the methods is merged."""


@dataclass(frozen=True)
class Run:
    """What the page shows. A run is found first, then answered: its trace grows."""

    inputs: Inputs
    trace: Trace
    ticket: str = ""
    """Of the press on Compare that it came from: two runs of the same question are two."""

    @property
    def answered(self) -> bool:
        """Whether a model has said anything yet."""
        return bool(self.trace.predictions or self.trace.failures)

    @property
    def waiting(self) -> tuple[str, ...]:
        """The methods that have neither answered nor failed yet."""
        return tuple(method for method in self.inputs.methods if self.trace.answer(method) is None)

    @property
    def finished(self) -> bool:
        return self.answered and bool(self.trace.references)


Work = Callable[[Run], Iterator[Run]]
"""A found run in; the run with more and more answers out, the last time whole."""


def find(composer: Composer, inputs: Inputs) -> Run:
    """The fast step: neighbours and task weights. Raises ComposerError for anything that the second would
    refuse."""
    with request("find") as entry:
        query, settings = inputs.query(), inputs.settings()
        entry.asked(query, settings)
        return Run(inputs, next(composer.run(query, settings)), ticket=secrets.token_hex(8))


def reweighed(composer: Composer, run: Run, inputs: Inputs) -> Run:
    """The run's neighbours under other settings. Embeds nothing, unless more of them are asked for than are
    there."""
    settings, trace = inputs.settings(), run.trace
    retrieval = settings.retrieval
    if retrieval.top_k > len(trace.neighbours) and len(trace.neighbours) < composer.index.manifest.total:
        neighbours = composer.retrieve(trace.query, settings)
    else:
        neighbours = reweigh(trace.neighbours[: retrieval.top_k], retrieval.kernel)
    return replace(run, trace=replace(trace, neighbours=neighbours, weights=composer.route(neighbours, settings)))


def model_work(composer: Composer) -> Work:
    """All that a run asks of the models, as one generator of plain values: it can run in a process of its own.

    A quick base answers for all methods in one pass, a slow one method by method: the run comes out after each pass,
    and at last with its reference rows. A method that fails harms no other: where a joint pass breaks for a reason
    that nobody foresaw, each method is asked apart, so that the one which breaks is known.
    """

    def work(run: Run) -> Iterator[Run]:
        apart = is_slow(composer)
        if not apart:
            try:
                yield from _steps(composer, run)
                return
            except ComposerError:
                raise
            except Exception:
                log.exception("one of the methods failed")
        yield from _steps(composer, run, apart=True, rescue=_in_words)

    return work


def finished(work: Work, run: Run) -> Run:
    """The last that the work yields: the whole run."""
    *_, last = work(run)
    return last


def is_slow(composer: Composer) -> bool:
    return composer.base.model.num_parameters() > SLOW_PARAMETERS


def words_for(error: Exception) -> str:
    """One sentence for a person; what nobody foresaw goes to the log, and no path of this machine to the page."""
    if isinstance(error, ComposerError):
        return sentence(str(error)).replace(f"{ROOT}/", "")
    log.error("unexpected error on the page", exc_info=error)
    return UNEXPECTED


def _steps(
    composer: Composer,
    run: Run,
    *,
    apart: bool = False,
    rescue: Callable[[str, Exception], Failure] | None = None,
) -> Iterator[Run]:
    trace, settings = run.trace, run.inputs.settings()
    for grown in composer.run(trace.query, settings, trace.neighbours, apart=apart, rescue=rescue):
        step = replace(run, trace=grown)
        if step.answered:
            yield step


def _in_words(name: str, error: Exception) -> Failure:
    log.error("%s failed", name, exc_info=error)
    return Failure(name, f"{LINEUP[name].title} failed in an unexpected way; the server's log has the details.")
