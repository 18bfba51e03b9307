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


def peak_mb(pid: int | None = None) -> float:
    """The most that a process, by default this one, has held since its start or since `reset_peak`.

    Raises ComposerError for another process on a system without /proc.
    """
    if Path("/proc/self/status").exists() or pid:
        return _status("VmHWM", pid)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RUSAGE_BYTES / 1e6


def resident_mb() -> float:
    return _status("VmRSS") if Path("/proc/self/status").exists() else peak_mb()


def reset_peak() -> bool:
    """Only Linux can forget an earlier peak."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def _status(key: str, pid: int | None = None) -> float:
    status = Path(f"/proc/{pid or 'self'}/status")
    try:
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:")) * 1024 / 1e6
    except (OSError, StopIteration) as error:
        raise ComposerError(f"{status} tells no {key}. Measure the memory of a process on Linux.") from error
