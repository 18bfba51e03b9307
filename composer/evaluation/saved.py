"""What a long evaluation has found so far, a line of JSON for each row: a run that is killed goes on from there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from os import SEEK_END
from pathlib import Path
from typing import Any, BinaryIO

from composer.errors import SettingsError


class Saved:
    """Lines under a key; of a key that comes again the values are joined. A line that a kill cut off does not count."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._found: dict[str, dict[str, Any]] = {}
        for key, values in _lines(path):
            self._found.setdefault(key, {}).update(values)

    def get(self, key: str) -> dict[str, Any]:
        return self._found.get(key, {})

    def add(self, key: str, values: dict[str, Any]) -> None:
        """Raises SettingsError where the file cannot be written."""
        if not values:
            return
        self._found.setdefault(key, {}).update(values)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+") as file:
                file.write(_line_break(file) + json.dumps({"row": key, "values": values}).encode() + b"\n")
        except OSError as error:
            raise SettingsError(
                f"what was found so far cannot be kept in {self.path}: {error.strerror or error}. Free some space, or "
                "set COMPOSER_CACHE to a folder that can be written; the same command then goes on."
            ) from error


def _line_break(file: BinaryIO) -> bytes:
    """After a line that a kill cut off; else the next one would be lost with it."""
    if file.seek(0, SEEK_END) == 0:
        return b""
    file.seek(-1, SEEK_END)
    return b"" if file.read(1) == b"\n" else b"\n"


def _lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    if not path.is_file():
        return
    for line in path.read_bytes().splitlines():
        try:
            entry = json.loads(line)
            yield entry["row"], entry["values"]
        except (ValueError, KeyError, TypeError):
            continue
