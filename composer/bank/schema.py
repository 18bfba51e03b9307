"""Reading a bank.toml's tables: wrong types and unknown keys are refused by name, with the key that was meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from composer.errors import BankError, unknown

_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REVISION = re.compile(r"\w[\w.-]*(?:/\w[\w.-]*)*", re.ASCII)
_HUB = re.compile(r"\w[\w.-]*/\w[\w.-]*", re.ASCII)


class Table:
    """One table of a bank.toml. Every error names the file and the table."""

    def __init__(self, values: Mapping[str, Any], where: str, keys: Iterable[str] | None) -> None:
        """`keys` are the known ones; None where they are names of a person's choosing."""
        self.values = values
        self.where = where
        known = sorted(keys) if keys is not None else None
        for key in values:
            if known is not None and key not in known:
                raise self.error(unknown("key", key, known))

    def error(self, sentence: str) -> BankError:
        return BankError(f"{self.where}: {sentence}")

    def text(self, key: str, *, default: str | None = None) -> str:
        value = self.values.get(key, default)
        if value is None:
            raise self.error(f'the key {key!r} is missing. Add {key} = "…".')
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.error(f"{key} is {value!r}; it must be text that is not empty.")
        return value

    def choice(self, key: str, known: Iterable[str], default: str) -> str:
        value = self.text(key, default=default)
        if value not in known:
            raise self.error(unknown(key, value, known))
        return value

    def table(self, key: str, keys: Iterable[str] | None, *, required: bool = True) -> Table:
        value = self.values.get(key)
        if value is None and not required:
            value = {}
        if not isinstance(value, dict):
            what = "is missing" if value is None else f"is {value!r} and must be a table"
            raise self.error(f"[{key}] {what}. Add a table [{key}].")
        return Table(value, f"{self.where} [{key}]", keys)

    def flag(self, key: str) -> bool:
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            raise self.error(f"{key} is {value!r}; it must be true or false.")
        return value

    def sha256(self, key: str) -> str:
        """Empty where it is not written down yet: `bank pin` does that."""
        value = self.values.get(key, "")
        if value == "":
            return ""
        if not isinstance(value, str) or not _SHA256.fullmatch(value):
            raise self.error(
                f"{key} is {str(value)[:80]!r}; it must be 64 lower-case hexadecimal digits, as sha256sum prints them."
            )
        return value

    def sha256s(self) -> tuple[tuple[str, str], ...]:
        """(file name, sha256) of the table's own `sha256`, sorted. None where they are not written down yet."""
        table = self.table("sha256", None, required=False)
        return tuple((name, table.sha256(name)) for name in sorted(table.values))

    def one_of(self, *keys: str) -> str:
        given = [key for key in keys if key in self.values]
        if len(given) != 1:
            raise self.error(f"exactly one of {', '.join(keys)} is needed; {' and '.join(given) or 'none'} is given.")
        return given[0]

    def revision(self) -> str | None:
        """A commit, or a branch or tag that `bank pin` will ask the Hub about."""
        if "revision" not in self.values:
            return None
        value = self.text("revision")
        if not _REVISION.fullmatch(value) or ".." in value:
            raise self.error(f"revision is {value!r}; it must be a commit of 40 hexadecimal digits, or a branch.")
        return value

    def hub(self, key: str = "hub") -> str:
        value = self.text(key)
        if not is_hub_id(value):
            raise self.error(f"{key} is {value!r}; it must be a Hub id such as 'owner/name'.")
        return value

    def inside(self, folder: Path, key: str = "path") -> Path:
        """A path within the bank's folder, symbolic links followed."""
        value = self.text(key)
        if not is_inside(folder, folder / value):
            raise self.error(f"{key} {value!r} leads out of the bank's folder. Give a path inside of it.")
        return folder / value


def is_commit(revision: str | None) -> bool:
    """A branch can change under our feet, so only a commit counts as pinned."""
    return revision is not None and _COMMIT.fullmatch(revision) is not None


def is_hub_id(text: str) -> bool:
    return _HUB.fullmatch(text) is not None and ".." not in text


def is_inside(folder: Path, path: Path) -> bool:
    """Symbolic links followed. What cannot be followed (a loop, a NUL) is not inside."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):
        return False
