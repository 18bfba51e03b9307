"""What the engine has to reach, and whether a run reached it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.plan import METHODS


@dataclass(frozen=True)
class Bar:
    path: str
    """Keys of the results, joined by dots."""
    bound: float
    at_least: bool

    def met(self, results: Mapping[str, Any]) -> bool | None:
        """None where it was not measured."""
        value = at(results, self.path)
        if value is None:
            return None
        return value >= self.bound if self.at_least else value <= self.bound


def at(results: Mapping[str, Any], path: str) -> float | None:
    found: Any = results
    for key in path.split("."):
        if not isinstance(found, Mapping) or key not in found:
            return None
        found = found[key]
    return float(found)


BARS = (
    Bar("merge.all.ratio", 20, True),
    *(Bar(f"merge.{method}.ratio", 8, True) for method in METHODS),
    Bar("merge_7b_shape.all.ratio", 8, True),
    Bar("merge_7b_shape.memory.peak_to_merged", 2, False),
    Bar("compare.ours_ms", 700, False),
    Bar("compare.bare.ratio", 1.35, False),
    Bar("compare.peft.ratio", 6, True),
    Bar("neighbours.p50_ms", 150, False),
    Bar("start.first_s", 90, False),
    Bar("start.later_s", 20, False),
    Bar("start.peak_rss_mb", 2_200, False),
    Bar("training.tokens_per_s", 350, True),
    Bar("training.largest_loss_difference", 0.01, False),
    Bar("bank_scaling.p50_ratio", 1.2, False),
    Bar("bank_scaling.start_ratio", 1.5, False),
    Bar("bank_scaling.peak_rss_plus_mb", 150, False),
    *(Bar(f"index_scaling.{size}.recall_at_100", 0.99, True) for size in (10_000, 44_000, 200_000, 1_000_000)),
    Bar("memory.peak_rss_mb", 2_200, False),
    Bar("gpu.merge.all.ours_ms", 30, False),
    Bar("gpu.merge.all.ratio", 30, True),
    Bar("gpu.compare.ours_ms", 400, False),
    Bar("gpu.memory_gb", 8, False),
    Bar("gpu.parity.largest_difference", 0.02, False),
)
