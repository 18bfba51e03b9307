"""Case studies: questions worth asking, one JSON file each, with what to look for. What the bank says is computed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from composer.config import ROOT
from composer.errors import ComposerError, unknown
from composer.merging import METHODS
from composer.tasks import FAMILIES
from composer.types import Query
from composer.ui.inputs import Inputs, option_lines

FOLDER = ROOT / "assets" / "cases"


@dataclass(frozen=True)
class Case:
    slug: str
    title: str
    family: str
    query: str
    options: tuple[str, ...]
    look_for: str
    gold: int | None = None
    """Index of the right option; None where nobody can know."""
    context: str = ""
    order: int = 100
    """The gallery's order, then by title."""
    printed: dict[str, Any] = field(default_factory=dict, hash=False)
    """What a paper printed of it: `source`, `weights` {task: weight} and `chosen` {method: index of the option}."""

    def inputs(self, defaults: Inputs) -> Inputs:
        """The case as a visitor asks it, under these settings."""
        return defaults.asking(self.query, self.options, self.context)

    def matches(self, inputs: Inputs) -> bool:
        return (inputs.question.strip(), option_lines(inputs.options), inputs.passage.strip()) == (
            self.query,
            self.options,
            self.context,
        )


def load_cases(folder: Path = FOLDER) -> tuple[Case, ...]:
    """In the gallery's order. Raises ComposerError, with the file's name, for one that is no case."""
    cases = [_read(path) for path in sorted(folder.glob("*.json"))]
    return tuple(sorted(cases, key=lambda case: (case.order, case.title)))


def case_of(inputs: Inputs, cases: tuple[Case, ...]) -> Case | None:
    return next((case for case in cases if case.matches(inputs)), None)


_NEEDED: dict[str, type] = {"title": str, "family": str, "query": str, "options": list, "look_for": str, "gold": object}
_KINDS: dict[str, type] = {**_NEEDED, "context": str, "order": int, "printed": dict}
_IN_WORDS: dict[type, str] = {str: "text", list: "a list of texts", int: "a whole number", dict: "a table"}
_GOLD = "Give the right option's text, or its number counted from 0; null where nobody can know."


def _read(path: Path) -> Case:
    try:
        return _case(path.stem, json.loads(path.read_text(encoding="utf-8")))
    except ComposerError as error:
        raise ComposerError(f"the case study {path.name} cannot be used: {error}") from error
    except (OSError, ValueError) as error:
        raise ComposerError(f"the case study {path.name} cannot be read: {error}. Correct the file.") from error


def _case(slug: str, values: object) -> Case:
    if not isinstance(values, dict):
        raise ComposerError(f"it holds {type(values).__name__}, and a table is needed.")
    for key, value in values.items():
        if key not in _KINDS:
            raise ComposerError(unknown("key", key, _KINDS))
        if key != "gold" and (not isinstance(value, _KINDS[key]) or isinstance(value, bool)):
            raise ComposerError(f"{key} is {value!r}; it must be {_IN_WORDS[_KINDS[key]]}.")
    missing = next((key for key in _NEEDED if key not in values), None)
    if missing:
        raise ComposerError(f"it has no {missing!r}. {_GOLD if missing == 'gold' else 'Add it.'}")
    if values["family"] not in FAMILIES:
        raise ComposerError(unknown("family", values["family"], FAMILIES))
    options = tuple(values["options"])
    Query(values["query"], options, context=values.get("context") or None)
    _check_printed(values.get("printed"), len(options))
    return Case(**{**values, "slug": slug, "options": options, "gold": _gold(values["gold"], options)})


def _gold(found: object, options: tuple[str, ...]) -> int | None:
    if isinstance(found, str) and found in options:
        return options.index(found)
    if found is None or (isinstance(found, int) and not isinstance(found, bool) and 0 <= found < len(options)):
        return found
    raise ComposerError(f"gold is {found!r}, which is none of its {len(options)} options. {_GOLD}")


def _check_printed(printed: dict[str, Any] | None, options: int) -> None:
    if printed is None:
        return
    if set(printed) != {"source", "weights", "chosen"}:
        raise ComposerError("printed must hold source, weights and chosen, and nothing else.")
    if not isinstance(printed["weights"], dict) or not isinstance(printed["chosen"], dict):
        raise ComposerError("weights and chosen in printed must be tables, by task and by method.")
    for method, chosen in printed["chosen"].items():
        if method not in METHODS:
            raise ComposerError(unknown("method in printed:", method, METHODS))
        if not isinstance(chosen, int) or not 0 <= chosen < options:
            raise ComposerError(f"printed has {chosen!r} for {method}; it must be the number of an option, from 0.")
