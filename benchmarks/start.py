"""From nothing to an answer: a fresh process opens the bank and answers one question. First with an empty cache."""

from __future__ import annotations

import statistics
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.plan import Plan
from benchmarks.processes import python
from composer.bank.manifest import load_bank


def measure(plan: Plan) -> dict[str, object]:
    bank, later = str(load_bank(plan.bank).folder), []
    with TemporaryDirectory(prefix="composer-start-") as cache:
        progress = plan.progress("start, processes")
        first, peaks = _started(bank, Path(cache))
        rounds = 1 if plan.quick else 3
        for number in range(rounds):
            progress(number, rounds)
            seconds, peak = _started(bank, Path(cache))
            later.append(seconds)
            peaks = max(peaks, peak)
        progress(rounds, rounds)
    return {
        "first_s": round(first, 1),
        "later_s": round(statistics.median(later), 1),
        "peak_rss_mb": round(peaks, 1),
        "rounds": rounds,
    }


def _started(bank: str, cache: Path) -> tuple[float, float]:
    """(seconds from the command to its end, the most that the process held in MB)."""
    started = perf_counter()
    found = python("benchmarks.start_process", bank, str(cache))
    return perf_counter() - started, found["peak_rss_mb"]
