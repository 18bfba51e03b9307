"""Many visitors at once, on loopback: `python -m benchmarks.load`, or `make load`.

Each visitor opens the page, asks one of the bank's own examples, reads for a moment and asks the next; after
some questions another visitor takes the place, so that sessions pile up as they do on a server.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any, NamedTuple

import httpx
import numpy as np

from benchmarks.pulse import Pulse, taken
from benchmarks.questions import own_examples, typed
from benchmarks.server import Server, started
from benchmarks.visitor import Broken, QueueFull, Timing, Visitor
from composer.bank.manifest import Bank, load_bank
from composer.config import DEFAULT_BANK, ROOT

QUESTIONS_PER_SESSION = 4
AFTER_A_FULL_QUEUE = 5.0
"""Seconds until a visitor who was sent away tries again."""

Question = tuple[str, tuple[str, ...]]


class Sample(NamedTuple):
    """What the server held after so many seconds and answers."""

    seconds: float
    answers: int
    mib: float


@dataclass
class Observed:
    """Filled by all threads; a list's append is atomic."""

    timings: list[Timing] = field(default_factory=list)
    full: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    sessions: list[int] = field(default_factory=list)
    memory: list[Sample] = field(default_factory=list)
    health_ms: list[float] = field(default_factory=list)


def questions(bank: Bank) -> list[Question]:
    """The bank's examples, mixed: no two visitors ask the same at a time."""
    asked = [(query.text, query.options) for query in typed(own_examples(bank))]
    random.Random(0).shuffle(asked)
    return asked


def run(server: Server, asked: Sequence[Question], visitors: int, seconds: float, think: float) -> Observed:
    observed, end, start = Observed(), monotonic() + seconds, monotonic()
    threads = [
        threading.Thread(target=_visit, args=(server, asked[number::visitors], end, think, number, observed))
        for number in range(visitors)
    ]
    for thread in threads:
        thread.start()
    with taken(server.address) as pulse:
        while any(thread.is_alive() for thread in threads):
            seconds, answers = monotonic() - start, len(observed.timings)
            observed.memory.append(Sample(seconds, answers, server.resident_mib()))
            print(f"\r{seconds:4.0f} s, {answers} answers", end="", file=sys.stderr)
            sleep(1)
    print(file=sys.stderr)
    _note(pulse, observed)
    return observed


def summary(observed: Observed, seconds: float) -> dict[str, Any]:
    whole = [timing.whole for timing in observed.timings]
    return {
        "answers": len(whole),
        "answers_per_minute": round(len(whole) / seconds * 60, 1),
        "sessions": len(observed.sessions),
        "errors": dict(Counter(observed.errors)),
        "queue_full": dict(Counter(observed.full)),
        "neighbours_ms": _spread([timing.neighbours for timing in observed.timings]),
        "whole_ms": _spread(whole),
        "healthz_ms": _spread(observed.health_ms),
        "memory_mib": {
            "start": round(observed.memory[0].mib),
            "end": round(observed.memory[-1].mib),
            "first_half": growth(observed.memory[: len(observed.memory) // 2]),
            "second_half": growth(observed.memory[len(observed.memory) // 2 :]),
        },
    }


def growth(samples: Sequence[Sample]) -> dict[str, float]:
    """MiB by least squares. By answers is the fairer one: a busy machine answers less in a minute."""
    return {
        "per_minute": _slope([one.seconds / 60 for one in samples], [one.mib for one in samples]),
        "per_100_answers": _slope([one.answers / 100 for one in samples], [one.mib for one in samples]),
    }


def _slope(at: Sequence[float], sizes: Sequence[float]) -> float:
    """0 where all was measured at one place."""
    return round(float(np.polyfit(at, sizes, 1)[0]), 2) if len(set(at)) > 1 else 0.0


def _visit(
    server: Server, asked: Sequence[Question], end: float, think: float, number: int, observed: Observed
) -> None:
    pause, visitor, left = random.Random(number), None, 0
    sleep(pause.uniform(0, min(think, 1.0)))
    for question, options in _over_and_over(asked):
        if monotonic() >= end:
            break
        try:
            if visitor is None or left == 0:
                visitor, left = _arrive(server, visitor), QUESTIONS_PER_SESSION
                observed.sessions.append(number)
            observed.timings.append(visitor.compare(question, options))
            left -= 1
            sleep(pause.uniform(0, 2 * think))
        except QueueFull as full:
            observed.full.append(str(full))
            sleep(AFTER_A_FULL_QUEUE)
        except (Broken, httpx.HTTPError) as error:
            observed.errors.append(f"{type(error).__name__}: {error}")
            visitor = None
            sleep(1)
    if visitor is not None:
        visitor.close()


def _arrive(server: Server, before: Visitor | None) -> Visitor:
    if before is not None:
        before.close()
    return Visitor(server.address)


def _over_and_over(asked: Sequence[Question]) -> Any:
    while True:
        yield from asked


def _note(pulse: Pulse, observed: Observed) -> None:
    observed.health_ms += pulse.milliseconds
    observed.errors += ["/healthz did not answer"] * pulse.missing


def _spread(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    return {
        "p50": round(float(np.percentile(values, 50)), 1),
        "p95": round(float(np.percentile(values, 95)), 1),
        "max": round(max(values), 1),
    }


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    bank = load_bank(arguments.bank)
    asked, busy = questions(bank), round(os.getloadavg()[0], 1)
    if arguments.url:
        server = Server(arguments.url.rstrip("/"), arguments.pid)
        observed = run(server, asked, arguments.visitors, arguments.seconds, arguments.think)
    else:
        print("Starting the app", file=sys.stderr)
        with started(arguments.log, bank) as server:
            observed = run(server, asked, arguments.visitors, arguments.seconds, arguments.think)
    settings = {
        "visitors": arguments.visitors,
        "seconds": arguments.seconds,
        "think_seconds": arguments.think,
        "load_before": busy,
    }
    result = settings | summary(observed, arguments.seconds)
    print(json.dumps(result, indent=2))
    if arguments.docs:
        from benchmarks.load_section import write_section

        write_section(ROOT / "docs" / "benchmarks.md", result)
    return 1 if observed.errors else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks.load", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--visitors", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--think", type=float, default=2, help="mean seconds between an answer and the next question")
    parser.add_argument("--bank", default=DEFAULT_BANK)
    parser.add_argument("--url", help="an app that runs already; with --pid")
    parser.add_argument("--pid", type=int, default=0)
    parser.add_argument("--log", type=Path, default=ROOT / ".cache" / "load.log", help="where the app's output goes")
    parser.add_argument("--docs", action="store_true", help="put the result into docs/benchmarks.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
