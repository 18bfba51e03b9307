"""A run as the page makes it, in two steps: what the question resembles at once, then what the merges answer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
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

log = logging.getLogger(__name__)

UNEXPECTED = "Something unexpected went wrong here; the server's log has the details. Your last result is still below."
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


def find(composer: Composer, inputs: Inputs) -> Run:
    """The fast step: neighbours and task weights. Raises ComposerError"
    " for anything that the second step would refuse."""
    query, settings = inputs.query(), inputs.settings()
    check_settings(settings)
    composer.fit(query)
    neighbours = composer.retrieve(searched(query, inputs), settings)
    return Run(inputs, query, neighbours, composer.route(neighbours, settings))


def searched(query: Query, inputs: Inputs) -> Query:
    """What is embedded: the question with its passage, and the options too where asked for."""
    return replace(query, hint="\n".join(query.options)) if inputs.embed_options else query


def reweighed(composer: Composer, run: Run, inputs: Inputs) -> Run:
    """The run's neighbours under other settings. Embeds nothing, unless"
    " more neighbours are asked for than are there."""
    settings = inputs.settings()
    retrieval = settings.retrieval
    if retrieval.top_k > len(run.neighbours) and len(run.neighbours) < composer.index.manifest.total:
        neighbours = composer.retrieve(searched(run.query, run.inputs), settings)
    else:
        neighbours = reweigh(run.neighbours[: retrieval.top_k], retrieval.kernel)
    return replace(run, neighbours=neighbours, weights=composer.route(neighbours, settings))


def answer(composer: Composer, run: Run) -> Run:
    """The slow step: every method's answer, and the base model's. A method that fails harms no other."""
    settings = run.inputs.settings()
    try:
        trace = composer.explain(run.query, settings, run.neighbours)
    except ComposerError:
        raise
    except Exception:
        log.exception("one of the methods failed")
        trace = _one_by_one(composer, run, settings)
    return replace(run, trace=trace)


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


def _one_by_one(composer: Composer, run: Run, settings: Settings) -> Trace:
    """Each method in a run of its own, so that the one which broke is known."""
    traces: list[Trace] = []
    failures: list[Failure] = []
    for method in settings.methods:
        try:
            traces.append(composer.explain(run.query, replace(settings, methods=(method,)), run.neighbours))
        except Exception:
            log.exception("the method %s failed", method)
            title = METHODS[method].title
            failures.append(Failure(method, f"{title} failed in an unexpected way; the server's log has the details."))
    if not traces:
        raise ComposerError("every method failed in an unexpected way; the server's log has the details.")
    return _joined(traces, failures)


def _joined(traces: Sequence[Trace], failures: Sequence[Failure]) -> Trace:
    first = traces[0]
    return replace(
        first,
        predictions=(*first.predictions[:1], *(p for trace in traces for p in trace.predictions[1:])),
        contributions=tuple(c for trace in traces for c in trace.contributions),
        failures=(*(f for trace in traces for f in trace.failures), *failures),
    )
