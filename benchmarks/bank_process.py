"""One start of one bank: `python -m benchmarks.bank_process BANK FOLDER BYTES` prints what it took as JSON."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from time import perf_counter

from benchmarks.asked import Asked
from benchmarks.engine import adapters_of, answer, forgetful
from benchmarks.processes import peak_mb
from composer.pipeline import Composer
from composer.types import Query

AGAIN = 3


def run(bank: Path, folder: Path, adapter_bytes: int) -> dict[str, float]:
    """Seconds to open, then per question the first answer, whose adapters may be on disk, and those after it."""
    questions = [Query(**fields) for fields in json.loads((folder / "questions.json").read_text(encoding="utf-8"))]
    started = perf_counter()
    opened = Composer.open(bank, cache_dir=folder / "cache", device="cpu", adapter_bytes=adapter_bytes)
    start_s = perf_counter() - started
    composer = forgetful(opened)
    try:
        _answered(composer, questions[0])  # torch's own first time
        first, again, kept = [], [], []
        for query in questions:
            first.append(_milliseconds(composer, query))
            again += [_milliseconds(composer, query) for _ in range(AGAIN)]
            kept.append(len(adapters_of(composer, query)))
        return {
            "start_s": start_s,
            "p50_ms": statistics.median(again),
            "first_p50_ms": statistics.median(first),
            "peak_rss_mb": peak_mb(),
            "adapters_per_question": statistics.mean(kept),
            "adapters_read": composer.adapters.reads,
            "questions": len(questions),
        }
    finally:
        composer.close()


def _milliseconds(composer: Composer, query: Query) -> float:
    composer.encoder.encode(["another question"])
    started = perf_counter()
    _answered(composer, query)
    return (perf_counter() - started) * 1000


def _answered(composer: Composer, query: Query) -> None:
    answer(composer, Asked(query, adapters_of(composer, query)))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))))
