"""Memory that is free within the process but not yet for others: merges and embeddings come and go by the megabyte."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable

ARENAS = 2
"""Of malloc. By default there are eight for each processor, and every thread that has answered questions leaves the
holes between its merges in one of its own: a process grew by a megabyte an answer, nearly all of it free."""
_M_ARENA_MAX = -8
"""As malloc.h of glibc has it."""


def limit_arenas() -> None:
    """Before there are threads. Linux with glibc; elsewhere nothing happens."""
    mallopt = _libc("mallopt")
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, ARENAS)


def give_back_free_memory() -> None:
    """Linux with glibc; elsewhere nothing happens. Takes milliseconds, and no lock of ours."""
    trim = _libc("malloc_trim")
    if trim is not None:
        trim(0)


def keep_for_good() -> None:
    """Of all objects that are here now. The collector no longer walks over them: a million, with everything held still
    for as long as it takes, so that nobody is answered meanwhile."""
    gc.collect()
    gc.freeze()


def _libc(name: str) -> Callable[..., int] | None:
    if sys.platform == "win32":
        return None
    found: Callable[..., int] | None = getattr(ctypes.CDLL(None), name, None)
    return found
