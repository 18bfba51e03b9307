"""What the command line prints for a person: text only, safe for a terminal whatever a question or a bank holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from textwrap import shorten
from time import monotonic
from typing import Any, TextIO

from composer.bank.manifest import Bank
from composer.evaluation.table import aligned
from composer.types import Prediction, Trace

NEAREST = 5
"""Neighbours shown of the many in a trace."""
BAR = 24
# Controls could move the cursor or recolor the screen; the others turn the reading direction of what follows.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")


def shown(text: str, width: int = 100) -> str:
    """On one line, without characters that act on a terminal."""
    return shorten(_UNSAFE.sub(" ", text), width, placeholder=" …")


def trace_report(trace: Trace) -> str:
    parts = [
        shown(trace.query.text),
        "\n".join(f"  {number}  {shown(option, 90)}" for number, option in _numbered(trace)),
        _weights(trace),
        _answers(trace),
        _effective_weights(trace),
        _nearest(trace),
        *(f"{failure.method} failed: {failure.message}" for failure in trace.failures),
        *trace.notes,
    ]
    return "\n\n".join(part for part in parts if part)


def bank_summary(bank: Bank) -> dict[str, Any]:
    """What `bank show --json` prints."""
    return {
        "name": bank.name,
        "title": bank.title,
        "description": bank.description,
        "folder": str(bank.folder),
        "base": bank.base.title,
        "quantization": bank.quantization,
        "encoder": bank.encoder.title,
        "retrieval": {
            "top_k": bank.retrieval.top_k,
            "top_p": bank.retrieval.top_p,
            "kernel": bank.retrieval.kernel,
        },
        "prompt_template": bank.prompt_template,
        "adapters": {task: str(source.path or source.hub) for task, source in bank.adapters},
        "examples": str(bank.examples.path) if bank.examples else "the tasks' data sets on the Hub",
        "evaluation": str(bank.evaluation.path) if bank.evaluation else None,
        "not_pinned": list(bank.unpinned),
        "not_trained": list(bank.untrained),
        "megabytes": round(sum(shipped.path.stat().st_size for shipped in bank.shipped()) / 1e6, 1),
    }


def fields_report(values: Mapping[str, Any]) -> str:
    """A line per key; of a table its keys with their values, of a list its members."""
    width = max(map(len, values))
    return "\n".join(f"{key.replace('_', ' '):<{width}}  {_value(value)}" for key, value in values.items())


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        # paths of two dozen adapters would bury their names
        return ", ".join(str(k) if isinstance(v, str) and "/" in v else f"{k} {v}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else shown(str(value), 1_000)


def _numbered(trace: Trace) -> list[tuple[int, str]]:
    return list(enumerate(trace.query.options, start=1))


def _weights(trace: Trace) -> str:
    weights = trace.weights
    rows = [[task, f"{weight:.3f}", "█" * max(1, round(BAR * weight))] for task, weight in weights.kept]
    width = max(len(row[0]) for row in rows)
    lines = [f"  {task:<{width}}  {weight}  {bar}" for task, weight, bar in rows]
    dropped = ", ".join(f"{task} {mass:.3f}" for task, mass in weights.dropped)
    left_out = [f"  left out: {dropped}"] if dropped else []
    return "\n".join([f"Task weights (top-p {weights.top_p:g}, kernel {weights.kernel})", *lines, *left_out])


def _answers(trace: Trace) -> str:
    head = ["Answers", *(f"{number} " for number, _ in _numbered(trace))]
    return aligned([head, *([f"  {p.method}", *_shares(p)] for p in trace.predictions)]) + "\n  * chosen"


def _shares(prediction: Prediction) -> list[str]:
    marks = ("*" if i == prediction.chosen else " " for i in range(len(prediction.probabilities)))
    return [f"{share:.1%}{mark}" for share, mark in zip(prediction.probabilities, marks, strict=True)]


def _effective_weights(trace: Trace) -> str:
    if not trace.contributions:
        return ""
    columns = trace.contributions
    rows = [["What each merge applied", "asked for", *(c.method for c in columns)]]
    for task, weight in trace.weights.kept:
        rows.append([f"  {task}", f"{weight:.3f}", *(f"{dict(c.effective)[task]:.3f}" for c in columns)])
    rows.append(["  outside of the adapters' span", "", *(f"{c.off_span:.1%}" for c in columns)])
    rows.append(["  size against the exact sum", "1.00", *(f"{c.norm_ratio:.2f}" for c in columns)])
    return aligned(rows)


def _nearest(trace: Trace) -> str:
    nearest = trace.neighbours[:NEAREST]
    width = max(len(one.task) for one in nearest)
    lines = [f"  {one.distance:.3f}  {one.task:<{width}}  {shown(one.text, 80)}" for one in nearest]
    return "\n".join([f"Nearest of {len(trace.neighbours)} examples, by cosine distance", *lines])


@dataclass
class ProgressLine:
    """Done, time left and speed, rewritten in place on a terminal, and a line every few seconds in a log."""

    label: str
    stream: TextIO
    started: float | None = None
    """By default the first call: what stands before it is another step."""
    last: float = float("-inf")
    before: int = field(default=0, init=False)
    """Done by an earlier run: it took no time of this one."""

    def __call__(self, done: int, total: int) -> None:
        now, terminal = monotonic(), self.stream.isatty()
        if self.started is None:
            self.started, self.before = now, done
        if done < total and now - self.last < (0.2 if terminal else 5):
            return
        self.last = now
        line = f"{self.label}: {done:,} of {total:,}{self._pace(done, total, now - self.started)}"
        self.stream.write(f"\r{line}\x1b[K" + "\n" * (done >= total) if terminal else f"{line}\n")
        self.stream.flush()

    def _pace(self, done: int, total: int, elapsed: float) -> str:
        made = done - self.before
        if not made or elapsed <= 0:
            return ""
        left = _duration(elapsed / made * (total - done))
        time = _duration(elapsed) if done >= total else f"about {left} left"
        return f", {time}, {_speed(made / elapsed)} a second"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _speed(per_second: float) -> str:
    return f"{per_second:,.0f}" if per_second >= 10 else f"{per_second:.2g}"
