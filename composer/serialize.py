"""Traces as JSON and back. Keys are the public schema of the command line, the API and exports."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from composer.types import Contribution, Failure, Neighbour, Prediction, Query, TaskWeights, Trace


def trace_to_json(trace: Trace) -> dict[str, Any]:
    """Plain dicts, lists, strings and numbers."""
    return {
        "bank": trace.bank,
        "query": trace.query.text,
        "context": trace.query.context,
        "hint": trace.query.hint,
        "gold": trace.query.gold,
        "options": list(trace.query.options),
        "neighbours": [_neighbour(one) for one in trace.neighbours],
        "weights": {
            "kept": dict(trace.weights.kept),
            "dropped": dict(trace.weights.dropped),
            "top_p": trace.weights.top_p,
            "kernel": trace.weights.kernel,
        },
        "predictions": {p.method: _prediction(p, trace.query.options) for p in trace.predictions},
        "contributions": {
            c.method: {"effective": dict(c.effective), "off_span": c.off_span, "norm_ratio": c.norm_ratio}
            for c in trace.contributions
        },
        "timings_ms": dict(trace.timings_ms),
        "failures": {failure.method: failure.message for failure in trace.failures},
        "references": {one.method: _reference(one, trace.query.options) for one in trace.references},
        "notes": list(trace.notes),
    }


def trace_from_json(data: dict[str, Any]) -> Trace:
    """The trace that `trace_to_json` was given."""
    return Trace(
        query=Query(data["query"], tuple(data["options"]), data["gold"], data["context"], data["hint"]),
        neighbours=tuple(_neighbour_from(values) for values in data["neighbours"]),
        weights=TaskWeights(
            tuple(data["weights"]["kept"].items()),
            tuple(data["weights"]["dropped"].items()),
            data["weights"]["top_p"],
            data["weights"]["kernel"],
        ),
        predictions=tuple(_prediction_from(method, values) for method, values in data["predictions"].items()),
        contributions=tuple(
            Contribution(method, tuple(values["effective"].items()), values["off_span"], values["norm_ratio"])
            for method, values in data["contributions"].items()
        ),
        timings_ms=tuple(data["timings_ms"].items()),
        bank=data["bank"],
        failures=tuple(Failure(method, message) for method, message in data["failures"].items()),
        notes=tuple(data["notes"]),
        references=tuple(_reference_from(name, values) for name, values in data["references"].items()),
    )


def _neighbour(one: Neighbour) -> dict[str, Any]:
    """With its similarity, which follows from the distance: whoever reads JSON wants both, and the vote."""
    return {**asdict(one), "similarity": one.similarity}


def _neighbour_from(values: dict[str, Any]) -> Neighbour:
    return Neighbour(**{name: value for name, value in values.items() if name != "similarity"})


def _reference(one: Prediction | Failure, options: tuple[str, ...]) -> dict[str, Any]:
    return {"failed": one.message} if isinstance(one, Failure) else _prediction(one, options)


def _reference_from(name: str, values: dict[str, Any]) -> Prediction | Failure:
    return Failure(name, values["failed"]) if "failed" in values else _prediction_from(name, values)


def _prediction(p: Prediction, options: tuple[str, ...]) -> dict[str, Any]:
    return {
        "chosen": options[p.chosen],
        "chosen_index": p.chosen,
        "probabilities": list(p.probabilities),
        "scores": list(p.scores),
        "log_probabilities": list(p.log_probabilities),
        "milliseconds": p.milliseconds,
        **({} if p.unconditional is None else {"unconditional": list(p.unconditional)}),
    }


def _prediction_from(method: str, values: dict[str, Any]) -> Prediction:
    return Prediction(
        method,
        tuple(values["scores"]),
        tuple(values["log_probabilities"]),
        tuple(values["probabilities"]),
        values["chosen_index"],
        values["milliseconds"],
        tuple(values["unconditional"]) if "unconditional" in values else None,
    )
