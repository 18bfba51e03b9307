from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from index_rows import ENCODER, ROWS, VECTORS, build

from composer.errors import SearchIndexError
from composer.retrieval import lock as lock_module
from composer.retrieval.index import SearchIndex

HOLD = """
import sys, time
from pathlib import Path
from composer.retrieval.lock import FolderLock
lock = FolderLock.acquire(Path(sys.argv[1]), exclusive=False)
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_process_is_told_who_holds_the_index(built: Path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(built)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        with pytest.raises(SearchIndexError, match=f"in use by process {holder.pid}"):
            SearchIndex.open(built, ENCODER)
        with pytest.raises(SearchIndexError, match=f"in use by process {holder.pid}"):
            build(built, force=True)
    finally:
        holder.kill()
        holder.communicate()
    # A killed holder leaves nothing behind.
    SearchIndex.open(built, ENCODER).close()


def test_readers_of_one_process_share_and_a_builder_does_not(built: Path):
    first, second = SearchIndex.open(built, ENCODER), SearchIndex.open(built, ENCODER)
    first.close()
    assert len(second.search(VECTORS[0], 3, "inverse")) == 3
    with pytest.raises(SearchIndexError, match="in use by this process"):
        build(built, force=True)
    second.close()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EROFS, "read-only"),
        (errno.EACCES, "read-only"),
        (errno.ENOSPC, "no space is left"),
        (errno.EIO, "cannot be written"),
    ],
)
def test_a_folder_that_takes_no_files_is_one_sentence(
    built: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
):
    def refuse(*_: object):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(lock_module.os, "open", refuse)
    with pytest.raises(SearchIndexError, match=f"{words}.*COMPOSER_CACHE"):
        SearchIndex.open(built, ENCODER)
    with pytest.raises(SearchIndexError, match=f"{words}.*COMPOSER_CACHE"):
        build(built, force=True)


def test_two_threads_may_open_one_index_at_once(built: Path):
    barrier = threading.Barrier(4)

    def open_and_search(row: int) -> str:
        barrier.wait()
        opened = SearchIndex.open(built, ENCODER)
        found = opened.search(VECTORS[row], 1, "inverse")[0].row_id
        opened.close()
        return found

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(open_and_search, range(4))) == list(ROWS.ids[:4])
