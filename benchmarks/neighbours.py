"""Until the neighbours can be shown: the question embedded, its examples searched for, the tasks weighed."""

from __future__ import annotations

import statistics
from time import perf_counter

from benchmarks.engine import adapters_of, forgetful
from benchmarks.plan import Plan
from benchmarks.questions import SHORT
from composer.bank.manifest import load_bank
from composer.pipeline import Composer


def measure(plan: Plan) -> dict[str, object]:
    progress = plan.progress("neighbours, questions")
    composer = forgetful(Composer.open(load_bank(plan.bank), cache_dir=plan.cache_dir, device=plan.device))
    try:
        adapters_of(composer, SHORT[0])
        milliseconds = []
        asked = SHORT * plan.rounds(4)
        for number, query in enumerate(asked, start=1):
            started = perf_counter()
            adapters_of(composer, query)
            milliseconds.append((perf_counter() - started) * 1000)
            progress(number, len(asked))
        return {
            "p50_ms": round(statistics.median(milliseconds), 2),
            "p95_ms": round(sorted(milliseconds)[round(0.95 * len(milliseconds)) - 1], 2),
            "questions": len(milliseconds),
            "rows": composer.index.manifest.total,
        }
    finally:
        composer.close()
