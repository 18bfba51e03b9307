"""Memory that is free for a model: of the GPU, or of this machine or the container that we run in."""

from __future__ import annotations

from pathlib import Path

import torch

ROOT = Path("/")


def free_bytes(device: torch.device, root: Path = ROOT) -> int | None:
    """None where it cannot be told, such as on a system without /proc."""
    if device.type == "cuda":
        return _free_on_gpu(device)
    found = [size for size in (_available(root), _left_in_container(root)) if size is not None]
    return min(found) if found else None


def _free_on_gpu(device: torch.device) -> int | None:
    try:
        return torch.cuda.mem_get_info(device)[0]
    except RuntimeError:  # a GPU that is only lent for each call tells nothing before the first
        return None


def _available(root: Path) -> int | None:
    """What programs can have without swapping: free pages and the caches that give way."""
    try:
        lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return None


def _left_in_container(root: Path) -> int | None:
    """A container may be allowed less than the machine has, and is ended without a word when it takes more."""
    for limit, used, cache in (
        ("sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory.current", "inactive_file"),
        (
            "sys/fs/cgroup/memory/memory.limit_in_bytes",
            "sys/fs/cgroup/memory/memory.usage_in_bytes",
            "total_inactive_file",
        ),
    ):
        try:
            left = int((root / limit).read_text()) - int((root / used).read_text())
            return left + _cached(root / Path(limit).parent / "memory.stat", cache)
        except (OSError, ValueError):  # "max" is no number: there is no limit
            continue
    return None


def _cached(stat: Path, key: str) -> int:
    """File caches count as used, and give way."""
    return next((int(line.split()[1]) for line in stat.read_text().splitlines() if line.split()[0] == key), 0)
