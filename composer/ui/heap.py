"""Memory that is free within the process but not yet for others: every question makes and drops megabytes of merges."""

from __future__ import annotations

import ctypes


def give_back_free_memory() -> None:
    """Linux with glibc; elsewhere nothing happens. Takes milliseconds, and no lock of ours."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
