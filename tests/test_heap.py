"""Memory of a process that many threads allocate in; in processes of their own, since nothing of it can be undone."""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys

import pytest

from composer.config import ROOT
from composer.heap import ARENAS, keep_for_good

THREADS = """
import ctypes, threading
from composer.heap import limit_arenas
{first}
libc, all_here = ctypes.CDLL(None), threading.Barrier(12)
def allocate():
    all_here.wait()
    kept = [libc.malloc(100_000) for _ in range(10)]
    all_here.wait()
threads = [threading.Thread(target=allocate) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.fdopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
"""


def arenas(first: str) -> int:
    """After twelve threads have allocated at the same time."""
    command = [sys.executable, "-c", THREADS.format(first=first)]
    told = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    return told.count("<heap nr=")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="this is not glibc")
def test_threads_share_few_arenas():
    assert arenas("limit_arenas()") <= ARENAS < arenas("")


def test_what_is_kept_for_good_is_not_walked_over_again():
    before = len(gc.get_objects())
    try:
        keep_for_good()
        assert len(gc.get_objects()) < before / 100
    finally:
        gc.unfreeze()
