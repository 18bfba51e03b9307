"""A run as an address, read back: by anyone from its query, in the same tab from what the browser kept of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

from composer.errors import ComposerError, SettingsError, unknown
from composer.ui.cases import Case
from composer.ui.choices import CHOICES
from composer.ui.inputs import KEYS, LEFT, LEFT_OUT, NAMES, Inputs
from composer.ui.markup import sentence
from composer.ui.ranges import RANGES

Params = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Link:
    inputs: Inputs | None
    """None where no question can be told."""
    faults: tuple[str, ...] = ()
    """Why it cannot be asked as it is, a sentence each. What is at fault has its default in `inputs`."""

    @property
    def refusal(self) -> str:
        return " ".join(sentence(fault) for fault in self.faults)


@dataclass(frozen=True)
class Place:
    """Where a visitor is."""

    params: Params
    kept: object
    """What the tab kept of the run there: whole, where a link may be too short for it."""


def read_query(search: str) -> Params:
    """Of an address, with or without its question mark."""
    return parse_qs(search.removeprefix("?"), keep_blank_values=True)


def read_link(params: Params, defaults: Inputs, cases: Sequence[Case]) -> Link | None:
    """None where nothing is asked."""
    faults: list[str] = []
    asked = _asked(params, defaults, cases, faults)
    if asked is None:
        return Link(None, tuple(faults)) if faults else None
    values: dict[str, Any] = {}
    for name, read in _READERS.items():
        key = KEYS[name]
        if params.get(key):
            try:
                values[name] = read(name, params[key])
            except ComposerError as error:
                faults.append(f"in the link, {error} The form has {_default(defaults, name)} in its place.")
    embed = "options" in params.get(KEYS["embed_options"], ())
    return Link(replace(asked, **values, embed_options=embed), tuple(faults))


def read_place(told: object) -> Place:
    """As the client script tells it; empty where that is anything else."""
    try:
        found = json.loads(told) if isinstance(told, str) else {}
    except ValueError:
        found = {}
    found = found if isinstance(found, dict) else {}
    search = found.get("search")
    return Place(read_query(search if isinstance(search, str) else ""), found.get("kept"))


def read_kept(kept: object, defaults: Inputs) -> Inputs | None:
    """What this page gave the browser to keep; whatever is of another kind has its default."""
    if not isinstance(kept, dict):
        return None
    given = {name: kept[name] for name in NAMES if name in kept and _is_like(getattr(defaults, name), kept[name])}
    return replace(defaults, **given)


def _asked(params: Params, defaults: Inputs, cases: Sequence[Case], faults: list[str]) -> Inputs | None:
    """Question, options and passage: a case's, or those in the link."""
    if slug := _last(params, "case"):
        case = next((case for case in cases if case.slug == slug), None)
        if case is not None:
            return case.inputs(defaults)
        # without the names of all: there are many
        faults.append(unknown("case study", slug[:40], [case.slug for case in cases]).partition(" Known:")[0])
        return None
    left = [name for name in params.get(LEFT, ()) if name in LEFT_OUT]
    if left:
        faults.append(
            f"too long for a link, and left out of this one: the {', the '.join(left)}. Paste it, then compare."
        )
    question = _last(params, KEYS["question"])
    if not question and not left:
        return None
    passage = _last(params, KEYS["passage"])
    return defaults.asking(question, params.get(KEYS["options"], ()), passage)


def _last(params: Params, key: str) -> str:
    return params[key][-1] if params.get(key) else ""


def _number(name: str, given: Sequence[str]) -> float:
    return RANGES[name].read(given[-1])


def _choice(name: str, given: Sequence[str]) -> str:
    if given[-1] not in CHOICES[name]:
        raise SettingsError(unknown(name.replace("_", " "), given[-1][:40], CHOICES[name]))
    return given[-1]


def _methods(name: str, given: Sequence[str]) -> tuple[str, ...]:
    for method in given:
        if method not in CHOICES[name]:
            raise SettingsError(unknown("method", method[:40], CHOICES[name]))
    return tuple(dict.fromkeys(given))


_READERS: dict[str, Any] = {
    **dict.fromkeys(RANGES, _number),
    **{name: _choice for name in CHOICES if name != "methods"},
    "methods": _methods,
}


def _default(defaults: Inputs, name: str) -> str:
    value = getattr(defaults, name)
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _is_like(default: object, value: object) -> bool:
    if isinstance(default, tuple):
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    return isinstance(value, int | float) if isinstance(default, int | float) else isinstance(value, str)
