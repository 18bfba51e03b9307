"""One process at a time: two trainings of one task would spoil each other's checkpoints, two edits lose one."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from composer.errors import SettingsError


@contextmanager
def alone(file: Path, *, wait: bool) -> Iterator[None]:
    """Held until the block ends, or the process does. Without `wait`, raises SettingsError where another has it."""
    with file.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise SettingsError(
                f"another process is training {file.stem} for this bank. Wait for it, or stop it first."
            ) from error
        yield
