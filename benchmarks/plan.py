"""How a run is done: device, size and who hears of the progress."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from composer.config import DEFAULT_BANK, AppSettings, MergeSettings, Settings
from composer.reports import ProgressLine

METHODS = ("linear", "cat", "ties", "magnitude_prune")
"""The paper's four: what "the four methods together" means."""
SETTINGS = Settings(merge=MergeSettings(density=0.7), methods=METHODS)
WEIGHTS = (0.4, 0.3, 0.2, 0.1)


@dataclass(frozen=True)
class Plan:
    device: str = "cpu"
    quick: bool = False
    """Few rounds and small sizes: shows that everything runs, and measures nothing worth writing down."""
    full: bool = False
    """Also the index of a million vectors."""
    bank: str | Path = DEFAULT_BANK
    cache_dir: Path = field(default_factory=lambda: AppSettings.from_env(os.environ).cache_dir)

    def rounds(self, wanted: int) -> int:
        return 2 if self.quick else wanted

    def seconds(self, wanted: float) -> float:
        """For rounds beside PEFT. On a GPU, which is lent by the minute, a third."""
        return wanted if self.device == "cpu" else wanted / 3

    def progress(self, label: str) -> ProgressLine:
        return ProgressLine(label, sys.stderr)
