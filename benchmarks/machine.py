"""Where and with what a run was made."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from benchmarks.plan import Plan
from composer.config import ROOT

PACKAGES = ("torch", "transformers", "peft", "bitsandbytes", "chromadb", "sentence-transformers", "numpy")


def describe(plan: Plan) -> dict[str, object]:
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "load_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "device": plan.device,
        "gpu": torch.cuda.get_device_name() if plan.device == "cuda" else "",
        "versions": {name: number for name in PACKAGES if (number := _version(name))},
    }


def _version(package: str) -> str:
    """Empty where it is not installed: a GPU's measurements need no index."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def commit() -> str:
    """With a plus where files that git knows were changed since."""
    found = _git("rev-parse", "--short=12", "HEAD")
    return found + ("+" if found and _git("status", "--porcelain", "--untracked-files=no") else "")


def processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def _git(*arguments: str) -> str:
    try:
        ended = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return ended.stdout.strip() if ended.returncode == 0 else ""
