"""One process per index. Chroma lets two processes write and loses vectors without a word; this lock does not."""

from __future__ import annotations

import errno
import fcntl
import math
import os
import threading
from pathlib import Path

from composer.errors import SearchIndexError
from composer.files import disk_of, is_full

LOCK_FILE = "index.lock"


class FolderLock:
    """Held by this process until released. Within it many may share the lock to read; a builder wants it alone."""

    _guard = threading.Lock()
    _held: dict[Path, FolderLock] = {}

    def __init__(self, folder: Path, descriptor: int, exclusive: bool) -> None:
        self.folder = folder
        self._descriptor = descriptor
        self._exclusive = exclusive
        self._users = 1

    @classmethod
    def acquire(cls, folder: Path, *, exclusive: bool) -> FolderLock:
        """Raises SearchIndexError, with the holder's process id, where another process has the index."""
        folder = folder.resolve()
        with cls._guard:
            held = cls._held.get(folder)
            if held is None:
                held = cls._held[folder] = cls(folder, _locked_file(folder), exclusive)
            elif exclusive or held._exclusive:
                raise _in_use(folder, os.getpid())
            else:
                held._users += 1
            return held

    def share(self) -> None:
        """A builder that is done lets readers of this process in, without letting go of the folder."""
        self._exclusive = False

    def release(self) -> None:
        with self._guard:
            self._users -= 1
            if self._users == 0:
                self._held.pop(self.folder, None)
                os.close(self._descriptor)


def _locked_file(folder: Path) -> int:
    try:
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
    except OSError as error:
        holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            raise _in_use(folder, holder or "unknown") from error
        raise cannot_write(folder, error) from error
    return descriptor


def _in_use(folder: Path, holder: int | str) -> SearchIndexError:
    who = "this process" if holder == os.getpid() else f"process {holder}"
    return SearchIndexError(
        f"the example index in {folder} is in use by {who}. Stop it first, or set COMPOSER_CACHE to another folder."
    )


def no_space(folder: Path, needed: int = 100_000_000) -> SearchIndexError:
    """`needed`: bytes."""
    return SearchIndexError(
        f"no space is left for the example index in {folder}, on {disk_of(folder)}. "
        f"Free about {math.ceil(needed / 1e6)} MB, or name a folder on a larger disk "
        "(of a bank's own index, COMPOSER_CACHE names it)."
    )


def cannot_write(folder: Path, error: OSError) -> SearchIndexError:
    """The sentence for a folder that takes no files: full, read-only, forbidden, or missing."""
    remedy = "Name a folder that can be written; of a bank's own index, COMPOSER_CACHE names it."
    if is_full(error):
        return no_space(folder)
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return SearchIndexError(
            f"the example index cannot be written: {folder} is read-only ({error.strerror}). {remedy}"
        )
    return SearchIndexError(f"the example index in {folder} cannot be written ({error.strerror or error}). {remedy}")
