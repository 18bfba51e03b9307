"""A run as the page makes it, in two steps: what the question resembles at once, then what the merges answer.

The second step is one generator, `model_work`: whatever a run asks of a model happens within it.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from composer.config import ROOT, Settings
from composer.errors import ComposerError
from composer.merging import METHODS
from composer.merging.factors import MergedAdapter
from composer.pipeline import Composer, check_settings
from composer.routing import STRATEGIES, reweigh
from composer.types import Failure, Neighbour, Prediction, Query, TaskWeights, Trace
from composer.ui.inputs import Inputs
from composer.ui.markup import sentence
from composer.ui.request_log import request

log = logging.getLogger(__name__)

UNEXPECTED = "Something unexpected went wrong here; the server's log has the details. Your last result is still below."
SLOW_PARAMETERS = 500_000_000
"""Of a base model. Above it, a visitor would wait for seconds until the last of the methods is merged."""
REFERENCES = {"top1": "cat", "uniform": "linear"}
"""Strategy -> the method that merges its choice; one adapter alone comes out of cat exactly as it is."""


@dataclass(frozen=True)
class Run:
    """What the page shows. A run is found first (no trace), then answered."""

    inputs: Inputs
    query: Query
    neighbours: tuple[Neighbour, ...]
    weights: TaskWeights
    trace: Trace | None = None
    references: tuple[Prediction | Failure, ...] = ()
    ticket: str = ""
    """Of the press on Compare that it came from: two runs of the same question are two."""

    @property
    def waiting(self) -> tuple[str, ...]:
        """The methods that have neither answered nor failed yet."""
        if self.trace is None:
            return self.inputs.methods
        known = {p.method for p in self.trace.predictions} | {f.method for f in self.trace.failures}
        return tuple(method for method in self.inputs.methods if method not in known)

    @property
    def finished(self) -> bool:
        return self.trace is not None and bool(self.references)


Work = Callable[[Run], Iterator[Run]]
"""A found run in; the run with more and more answers out, the last time whole."""


def find(composer: Composer, inputs: Inputs) -> Run:
    """The fast step: neighbours and task weights. Raises ComposerError for anything that the second would
    refuse."""
    with request("find") as entry:
        query, settings = inputs.query(), inputs.settings()
        entry.asked(query, settings)
        check_settings(settings)
        composer.fit(query)
        neighbours = composer.retrieve(searched(query, inputs), settings)
        weights = composer.route(neighbours, settings)
        return Run(inputs, query, neighbours, weights, ticket=secrets.token_hex(8))


def searched(query: Query, inputs: Inputs) -> Query:
    """What is embedded: the question with its passage, and the options too where asked for."""
    return replace(query, hint="\n".join(query.options)) if inputs.embed_options else query


def reweighed(composer: Composer, run: Run, inputs: Inputs) -> Run:
    """The run's neighbours under other settings. Embeds nothing, unless more of them are asked for than are
    there."""
    settings = inputs.settings()
    retrieval = settings.retrieval
    if retrieval.top_k > len(run.neighbours) and len(run.neighbours) < composer.index.manifest.total:
        neighbours = composer.retrieve(searched(run.query, run.inputs), settings)
    else:
        neighbours = reweigh(run.neighbours[: retrieval.top_k], retrieval.kernel)
    return replace(run, neighbours=neighbours, weights=composer.route(neighbours, settings))


def model_work(composer: Composer) -> Work:
    """All that a run asks of the models, as one generator of plain values: it can run in a process of its own.

    A quick base answers for all methods in one pass, a slow one method by method: the run comes out after each pass,
    and at last with its reference rows. A method that fails harms no other.
    """

    def work(run: Run) -> Iterator[Run]:
        for trace in _traces(composer, run):
            run = replace(run, trace=trace)
            yield run
        yield refer(composer, run)

    return work


def finished(work: Work, run: Run) -> Run:
    """The last that the work yields: the whole run."""
    *_, last = work(run)
    return last


def answered(work: Work, run: Run) -> Trace:
    """The whole trace. The reference rows are not waited for: the work ends where nobody asks it for more."""
    return next(step.trace for step in work(run) if step.trace is not None and not step.waiting)


def is_slow(composer: Composer) -> bool:
    return composer.base.model.num_parameters() > SLOW_PARAMETERS


def refer(composer: Composer, run: Run) -> Run:
    """The reference rows: the heaviest task's adapter alone, and the nucleus with equal weights."""
    settings = run.inputs.settings()
    merged: list[MergedAdapter] = []
    failures: list[Failure] = []
    scored: tuple[Prediction | Failure, ...] = ()
    # a reference that cannot be had takes no answer away
    for name, method in REFERENCES.items():
        try:
            choice = STRATEGIES[name].choose(run.weights, None)
            merged.append(replace(composer.merge(choice, settings, method), method=name))
        except ComposerError as error:
            failures.append(Failure(name, str(error)))
    try:
        scored = composer.score(run.query, merged, settings)[1:] if merged else ()
    except ComposerError as error:
        failures += [Failure(one.method, str(error)) for one in merged]
    return replace(run, references=(*scored, *failures))


def words_for(error: Exception) -> str:
    """One sentence for a person; what nobody foresaw goes to the log, and no path of this machine to the page."""
    if isinstance(error, ComposerError):
        return sentence(str(error)).replace(f"{ROOT}/", "")
    log.error("unexpected error on the page", exc_info=error)
    return UNEXPECTED


def _traces(composer: Composer, run: Run) -> Iterator[Trace]:
    """One joint trace, or a growing one, method by method. Raises ComposerError where no method has an answer."""
    settings = run.inputs.settings()
    if not is_slow(composer):
        try:
            yield composer.explain(run.query, settings, run.neighbours)
            return
        except ComposerError:
            raise
        except Exception:
            log.exception("one of the methods failed")
    yield from _one_by_one(composer, run, settings)


def _one_by_one(composer: Composer, run: Run, settings: Settings) -> Iterator[Trace]:
    """Each method in a run of its own, so that one which breaks is known."""
    traces: list[Trace] = []
    failures: list[Failure] = []
    for method in settings.methods:
        try:
            traces.append(composer.explain(run.query, replace(settings, methods=(method,)), run.neighbours))
        except ComposerError:
            raise
        except Exception:
            log.exception("the method %s failed", method)
            title = METHODS[method].title
            failures.append(Failure(method, f"{title} failed in an unexpected way; the server's log has the details."))
        if traces:
            yield _joined(traces, failures)
    if not traces:
        raise ComposerError("every method failed in an unexpected way; the server's log has the details.")


def _joined(traces: Sequence[Trace], failures: Sequence[Failure]) -> Trace:
    first = traces[0]
    spent: dict[str, float] = {}
    for stage, milliseconds in (timing for trace in traces for timing in trace.timings_ms):
        spent[stage] = spent.get(stage, 0.0) + milliseconds
    return replace(
        first,
        predictions=(*first.predictions[:1], *(p for trace in traces for p in trace.predictions[1:])),
        contributions=tuple(c for trace in traces for c in trace.contributions),
        timings_ms=tuple(spent.items()),
        failures=(*(f for trace in traces for f in trace.failures), *failures),
    )
