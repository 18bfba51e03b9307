"""The Spacefile as values: what the Space's card says, and how each profile is deployed. No network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from composer.errors import SpaceError, unknown
from composer.space.card import Card, check_card

SPACEFILE = "Spacefile"
VERSION = 1
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Profile:
    """One way to host the app."""

    name: str
    about: str
    hardware: str
    """As the Hub names it."""
    sleep_time: int | None
    """Seconds without a visitor; None leaves it to the Hub."""
    card: tuple[tuple[str, Any], ...]
    """The front matter of the README that this profile uploads, in order."""
    variables: tuple[tuple[str, str], ...]
    secrets: tuple[str, ...]
    """Names. Values never stand in a file."""
    requirements: tuple[tuple[str, str], ...]
    """(package, version) that replace, or join, the lines of requirements.txt"""
    ignore: tuple[str, ...]
    """Patterns of files that are not uploaded, the common ones included."""

    @property
    def zero_gpu(self) -> bool:
        return self.hardware.startswith("zero-")


@dataclass(frozen=True)
class Spacefile:
    name: str
    """Of the Space, in whose account soever."""
    file_limit: int
    """Bytes that a single file may have."""
    profiles: tuple[Profile, ...]
    """The first is the default; its card is that of the README in the repository."""

    @property
    def default(self) -> Profile:
        return self.profiles[0]

    @property
    def variables(self) -> frozenset[str]:
        """Names that any profile sets: of these, a Space holds what its own profile says and no more."""
        return frozenset(name for profile in self.profiles for name, _ in profile.variables)

    def profile(self, name: str | None) -> Profile:
        """Raises SpaceError, with the nearest name, for one that does not exist."""
        for profile in self.profiles:
            if profile.name == (name or self.default.name):
                return profile
        raise SpaceError(unknown("profile", str(name), [profile.name for profile in self.profiles]))


def read_spacefile(folder: Path) -> Spacefile:
    path = folder / SPACEFILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SpaceError(f"there is no {SPACEFILE} in {folder}. Name the project's folder with --folder.") from None
    except UnicodeDecodeError as error:
        raise SpaceError(f"the {SPACEFILE} is not UTF-8 text: {error}.") from error
    return parse_spacefile(text)


def parse_spacefile(text: str) -> Spacefile:
    """Raises SpaceError for the first fault, with the place."""
    try:
        found = yaml.load(text, _UniqueKeys)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise SpaceError(f"the {SPACEFILE} is not valid YAML: {_place(error)}.") from error
    top = _Table(found, SPACEFILE, ("v", "card", "deploy"))
    if top.get("v") != VERSION:
        raise SpaceError(f"the {SPACEFILE} has v: {top.get('v')!r}, and this program reads v: {VERSION}.")
    card = _Table(top.need("card", dict), "card", None).entries
    deploy = _Table(top.need("deploy", dict), "deploy", ("name", "file_limit_mb", "ignore", "profiles"))
    ignore = deploy.texts("ignore")
    profiles = _Table(deploy.need("profiles", dict), "deploy.profiles", None).entries
    if not profiles:
        raise SpaceError("deploy.profiles is empty. Describe at least one way to host the app.")
    return Spacefile(
        name=deploy.need("name", str),
        file_limit=deploy.need("file_limit_mb", int) * MEGABYTE,
        profiles=tuple(_profile(name, entry, card, ignore) for name, entry in profiles.items()),
    )


def _profile(name: str, found: object, card: Card, ignore: tuple[str, ...]) -> Profile:
    where = f"deploy.profiles.{name}"
    known = ("about", "hardware", "sleep_time", "card", "variables", "secrets", "requirements", "ignore")
    entry = _Table(found, where, known)
    own = _Table(entry.get("card") or {}, f"{where}.card", None).entries
    whole = {**card, **own}
    check_card(whole, f"{where}.card" if own else "card")
    return Profile(
        name=name,
        about=entry.need("about", str),
        hardware=entry.need("hardware", str),
        sleep_time=entry.need("sleep_time", int) if "sleep_time" in entry.entries else None,
        card=tuple(whole.items()),
        variables=entry.text_table("variables"),
        secrets=entry.texts("secrets"),
        requirements=entry.text_table("requirements"),
        ignore=(*ignore, *entry.texts("ignore")),
    )


class _Table:
    """A mapping of the file, with the place that a fault is told with."""

    def __init__(self, found: object, where: str, known: Iterable[str] | None) -> None:
        if not isinstance(found, dict):
            raise SpaceError(f"{where} is {found!r}; it must be a table of keys and values.")
        self.entries: Mapping[str, Any] = found
        self.where = where
        for key in found:
            if not isinstance(key, str):
                raise SpaceError(f"the key {key!r} in {where} is not text. Put it in quotes.")
            if known is not None and key not in known:
                raise SpaceError(unknown(f"key in {where}:", key, known))

    def get(self, key: str) -> Any:  # noqa: ANN401 - whatever YAML holds
        return self.entries.get(key)

    def need(self, key: str, kind: type) -> Any:  # noqa: ANN401
        value = self.entries.get(key)
        if value is None:
            raise SpaceError(f"{self.where} has no {key!r}.")
        if not isinstance(value, kind) or isinstance(value, bool):
            words = {str: "text; put it in quotes", int: "a whole number", dict: "a table of keys and values"}
            raise SpaceError(f"{self.where}.{key} is {value!r}; it must be {words[kind]}.")
        if isinstance(value, int) and value < 1:
            raise SpaceError(f"{self.where}.{key} is {value!r}; it must be 1 or more.")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        found = self.entries.get(key) or []
        if key == "secrets" and not isinstance(found, list):
            raise SpaceError(f"{self.where}.secrets must be a list of names: a value has no place in this file.")
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise SpaceError(f"{self.where}.{key} is {found!r}; it must be a list of texts.")
        return tuple(found)

    def text_table(self, key: str) -> tuple[tuple[str, str], ...]:
        table = _Table(self.entries.get(key) or {}, f"{self.where}.{key}", None)
        for name, value in table.entries.items():
            if not isinstance(value, str):
                raise SpaceError(f"{table.where}.{name} is {value!r}; it must be text. Put it in quotes.")
        return tuple(table.entries.items())


class _UniqueKeys(yaml.SafeLoader):
    """YAML lets the last of two equal keys win; here the second is a mistake."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = next((key for place, key in enumerate(keys) if key in keys[:place]), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"the key {twice!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"line {mark.line + 1}, {problem}" if mark else str(problem)
