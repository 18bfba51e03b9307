"""Start-up, time and memory of a compare as the bank grows from 22 to 1,000 adapters, each start in its own process."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.plan import Plan
from benchmarks.processes import python
from benchmarks.questions import own_examples
from benchmarks.scaled_bank import as_json, neighbourhoods, write_scaled
from composer.bank.manifest import load_bank
from composer.inference.gguf import base_folder
from composer.retrieval.encoder import Encoder

SIZES = (22, 200, 1_000)
KEPT = 32
"""Adapters that the store may hold, in all banks: 22 fit, and 1,000 do not."""


def measure(plan: Plan) -> dict[str, object]:
    sizes = (22, 44) if plan.quick else SIZES
    with TemporaryDirectory(prefix="composer-banks-") as temporary:
        folder = Path(temporary)
        limit = str(KEPT * _write(folder, sizes, plan))
        runs: dict[int, list[dict[str, Any]]] = {size: [] for size in sizes}
        rounds = 1 if plan.quick else 3
        progress = plan.progress("bank_scaling, starts")
        for done in range(rounds + 1):
            for size in sizes[done % len(sizes) :] + sizes[: done % len(sizes)]:
                run = python("benchmarks.bank_process", str(folder / str(size)), str(folder), limit)
                if done:  # the first start builds the index
                    runs[size].append(run)
            progress(done, rounds)
    return summary({size: _median(found) for size, found in runs.items()})


def _write(folder: Path, sizes: Sequence[int], plan: Plan) -> int:
    """The banks, and the questions that all are asked. Returns the bytes that one adapter takes in memory."""
    bank = load_bank(plan.bank)
    examples = own_examples(bank)
    encoder = Encoder(bank.encoder)
    around = neighbourhoods(bank, encoder, examples, -(-max(sizes) // len(bank.tasks)))
    (folder / "questions.json").write_text(json.dumps(as_json(around.questions)), encoding="utf-8")
    base, weight = base_folder(bank.base, plan.cache_dir), 0
    for size in sizes:
        progress = plan.progress(f"bank_scaling, a bank of {size:,} adapters")
        weight = write_scaled(folder / str(size), bank, base, examples, around, size, progress)
    return weight


def _median(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {key: round(statistics.median(run[key] for run in runs), 3) for key in runs[0]}


def summary(banks: Mapping[int, Mapping[str, float]]) -> dict[str, object]:
    small, large = banks[min(banks)], banks[max(banks)]
    return {
        **{str(size): dict(values) for size, values in banks.items()},
        "p50_ratio": round(large["p50_ms"] / small["p50_ms"], 3),
        "start_ratio": round(large["start_s"] / small["start_s"], 3),
        "first_ratio": round(large["first_p50_ms"] / small["first_p50_ms"], 3),
        "peak_rss_plus_mb": round(large["peak_rss_mb"] - small["peak_rss_mb"], 1),
    }
