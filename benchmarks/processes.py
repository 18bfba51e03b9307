"""Measurements that need a process of their own, and what a process takes of memory. All in megabytes (10^6 bytes)."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from composer.config import ROOT
from composer.errors import ComposerError

STATUS = Path("/proc/self/status")
_RUSAGE_BYTES = 1 if sys.platform == "darwin" else 1024


def python(module: str, *arguments: str) -> dict[str, Any]:
    """The JSON that `python -m module …` prints. Raises ComposerError with its last words where it fails."""
    command = [sys.executable, "-m", module, *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ComposerError(f"{module} ended with status {ended.returncode}: {last}. Run it alone to see more.")
    result: dict[str, Any] = json.loads(ended.stdout)
    return result


def peak_mb() -> float:
    """The most that this process has held since its start, or since `reset_peak`."""
    if STATUS.exists():
        return _status("VmHWM")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RUSAGE_BYTES / 1e6


def resident_mb() -> float:
    return _status("VmRSS") if STATUS.exists() else peak_mb()


def reset_peak() -> bool:
    """Only Linux can forget an earlier peak."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def _status(key: str) -> float:
    for line in STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise ComposerError(f"/proc/self/status has no {key}. Measure memory on another machine.")
