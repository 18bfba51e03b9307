"""Files that are there whole or not at all, and words for a disk that has no room for them."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PARTIAL = ".partial"


@contextmanager
def whole_folder(folder: Path, last: str) -> Iterator[Path]:
    """A folder to write into, whose files come to `folder` when the block ends well, `last` after the others.

    A new folder appears in one step, whenever the process is killed; in one that holds files each file does. What a
    kill left behind is cleared by the next one. Raises OSError.
    """
    new = not folder.is_dir()
    beside = folder.with_name(f".{folder.name}{PARTIAL}") if new else folder / PARTIAL
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        yield beside
        _to_disk(beside)
        if new:
            os.replace(beside, folder)
            _flush(folder.parent)
        else:
            for path in sorted(beside.iterdir(), key=lambda path: path.name == last):
                os.replace(path, folder / path.name)
            beside.rmdir()
            _flush(folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def is_full(error: BaseException) -> bool:
    """Whether the error, or one behind it, says that a disk or a quota is used up."""
    while True:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        behind = error.__cause__ or error.__context__
        if behind is None:
            return False
        error = behind


def free_bytes(path: Path) -> int:
    return shutil.disk_usage(_existing(path)).free


def disk_of(path: Path) -> str:
    """The disk that a path is on, or would be on, as a person knows it: where it is mounted and how full it is."""
    place = _existing(path).resolve()
    while not os.path.ismount(place):
        place = place.parent
    usage = shutil.disk_usage(place)
    return f"the disk {place} ({_size(usage.free)} of {_size(usage.total)} free)"


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _to_disk(folder: Path) -> None:
    for path in folder.iterdir():
        _flush(path)
    _flush(folder)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
