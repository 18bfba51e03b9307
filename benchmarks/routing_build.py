"""What stands in an index: of the bank's own examples, or of real rows by the command that a person would use."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from collections import Counter
from pathlib import Path
from time import monotonic
from typing import Any

from benchmarks.machine import commit, processor
from composer.bank.examples import Examples
from composer.bank.manifest import Bank
from composer.config import ROOT
from composer.errors import ComposerError
from composer.tasks import TRAINED
from composer.tasks.sources import FolderSource

RECORD = "build.json"


def build(source: FolderSource, folder: Path) -> dict[str, Any]:
    """Build the index, or take the one that is there with what was noted of its build."""
    record = folder / RECORD
    if record.exists():
        return json.loads(record.read_text(encoding="utf-8"))
    tasks = [task for task in source.tasks() if task in TRAINED]
    command = [sys.executable, "-m", "composer", "index", "build", "--json", "--source", source.name]
    command += ["--output", str(folder), "--tasks", ",".join(tasks)]
    started = monotonic()
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise ComposerError(f"the index could not be built: {ended.stderr.strip().splitlines()[-1]}")
    seconds = monotonic() - started
    result = json.loads(ended.stdout)
    found = {
        "rows": result["rows"],
        "tasks": result["tasks"],
        "left_out": result["left_out"],
        "seconds": round(seconds, 1),
        "embedded_per_second": _rate(ended.stderr, "Embedding"),
        "stored_per_second": _rate(ended.stderr, "Building"),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6),
        "processor": processor(),
        "commit": commit(),
    }
    record.write_text(json.dumps(found), encoding="utf-8")
    return found


def own(bank: Bank, examples: Examples) -> dict[str, Any]:
    """As `build` tells of real rows; nothing is embedded, as the bank ships the vectors."""
    return {
        "bank": bank.name,
        "rows": len(examples),
        "tasks": dict(Counter(examples.tasks)),
        "processor": processor(),
        "commit": commit(),
    }


def _rate(stderr: str, label: str) -> float | None:
    """Of the last line of that progress."""
    rates = re.findall(rf"^{label}.* ([\d.,]+) a second$", stderr, re.MULTILINE)
    return float(rates[-1].replace(",", "")) if rates else None
