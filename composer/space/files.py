"""What a Space gets: the project's files but the ignored ones, two of them rewritten as a profile has them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

from composer.errors import SpaceError
from composer.space.card import synced
from composer.space.spacefile import Profile

README, REQUIREMENTS = "README.md", "requirements.txt"
_REQUIREMENT = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(\[[^]]*\])?\s*([=<>!~].*)?$")


@dataclass(frozen=True)
class SpaceFile:
    path: str
    """Within the Space, with forward slashes."""
    source: Path
    written: bytes | None = None
    """What stands there instead of the source's own content."""

    @cached_property
    def size(self) -> int:
        return self.source.stat().st_size if self.written is None else len(self.written)

    def content(self) -> bytes:
        return self.source.read_bytes() if self.written is None else self.written


def space_files(folder: Path, profile: Profile) -> tuple[SpaceFile, ...]:
    """Sorted by path. Raises SpaceError for a link: it would point to nothing on the Space, or to something private."""
    rewrites = {README: _readme(folder, profile), REQUIREMENTS: _requirements(folder, profile)}
    found = [SpaceFile(path, folder / path, rewrites.get(path)) for path in _walk(folder, profile.ignore)]
    return tuple(sorted(found, key=lambda one: one.path))


def read_file(folder: Path, name: str) -> bytes:
    """Of those that every Space needs. Raises SpaceError where it is missing."""
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError:
        raise SpaceError(f"there is no {name} in {folder}, and a Space needs it.") from None


def is_ignored(path: str, patterns: Sequence[str]) -> bool:
    """A pattern with a slash is held against the path from the top, another one against the name alone."""
    name = path.rpartition("/")[2]
    return any(fnmatchcase(path if "/" in pattern else name, pattern.removeprefix("/")) for pattern in patterns)


def with_requirements(text: str, overrides: Sequence[tuple[str, str]]) -> str:
    """Lines of these packages pinned anew, the other lines as they are, packages without a line at the end."""
    wanted = {_canonical(name): f"{name}=={version}" for name, version in overrides}
    lines = []
    for line in text.splitlines():
        name = requirement_name(line)
        lines.append(wanted.pop(name) if name in wanted else line)
    return "\n".join([*lines, *wanted.values()]) + "\n"


def pins(text: str) -> dict[str, str]:
    """Package, in lower case and with hyphens, to the version that it is pinned to."""
    split = (line.split("#")[0].strip().partition("==") for line in text.splitlines() if requirement_name(line))
    return {requirement_name(name): version.strip() for name, equals, version in split if equals}


def requirement_name(line: str) -> str:
    """Empty for a comment or an option."""
    found = _REQUIREMENT.match(line.split("#")[0].strip())
    return _canonical(found[1]) if found else ""


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _readme(folder: Path, profile: Profile) -> bytes:
    return synced(read_file(folder, README), dict(profile.card))


def _requirements(folder: Path, profile: Profile) -> bytes | None:
    text = read_file(folder, REQUIREMENTS).decode("utf-8")
    return with_requirements(text, profile.requirements).encode() if profile.requirements else None


def _walk(folder: Path, ignore: Sequence[str]) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        base = Path(place).relative_to(folder)
        folders[:] = sorted(name for name in folders if not is_ignored((base / name).as_posix(), ignore))
        for name in [*names, *folders]:
            path = (base / name).as_posix()
            if is_ignored(path, ignore):
                continue
            if (folder / path).is_symlink():
                raise SpaceError(f"{path} is a symbolic link, and a Space takes files only. Replace or ignore it.")
            if name in names:
                yield path
