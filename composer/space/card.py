"""The card: what Hugging Face reads from the block of YAML at the top of README.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from composer.errors import SpaceError, unknown

Card = Mapping[str, Any]

COLORS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
SHORT = 60
"""Characters that the Hub takes for a short description."""
_TEXT, _FLAG, _TEXTS, _TABLE, _NUMBER = "text", "true or false", "a list of texts", "a table", "a whole number"
KEYS = {
    "title": _TEXT,
    "emoji": _TEXT,
    "colorFrom": _TEXT,
    "colorTo": _TEXT,
    "sdk": _TEXT,
    "sdk_version": _TEXT,
    "python_version": _TEXT,
    "app_file": _TEXT,
    "app_port": _NUMBER,
    "base_path": _TEXT,
    "short_description": _TEXT,
    "license": _TEXT,
    "fullWidth": _FLAG,
    "header": _TEXT,
    "models": _TEXTS,
    "datasets": _TEXTS,
    "tags": _TEXTS,
    "thumbnail": _TEXT,
    "pinned": _FLAG,
    "preload_from_hub": _TEXTS,
    "startup_duration_timeout": _TEXT,
    "suggested_hardware": _TEXT,
    "suggested_storage": _TEXT,
    "hf_oauth": _FLAG,
    "hf_oauth_scopes": _TEXTS,
    "hf_oauth_expiration_minutes": _NUMBER,
    "disable_embedding": _FLAG,
    "custom_headers": _TABLE,
}
"""What the Hub knows, and of which kind. A misspelled key does nothing there, and nobody says so."""
NEEDED = ("title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "python_version", "app_file")
_KINDS: dict[str, type] = {_TEXT: str, _FLAG: bool, _TEXTS: list, _TABLE: dict, _NUMBER: int}

# Bytes, for a file that is to stay as it is: other line ends, and what follows the second fence.
_BLOCK = re.compile(rb"\A---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_FENCE = re.compile(rb"\A---[ \t]*\r?\n")


def check_card(card: Card, where: str) -> None:
    """Raises SpaceError for the first key or value that the Hub would not understand."""
    for key, value in card.items():
        if key not in KEYS:
            raise SpaceError(unknown(f"key in {where}:", key, KEYS))
        _check_kind(value, KEYS[key], f"{where}.{key}")
    missing = [key for key in NEEDED if key not in card]
    if missing:
        raise SpaceError(f"{where} has no {missing[0]!r}.")
    for key in ("colorFrom", "colorTo"):
        if card[key] not in COLORS:
            raise SpaceError(unknown(f"color in {where}.{key}:", card[key], COLORS))
    if card["sdk"] != "gradio":
        raise SpaceError(f"{where}.sdk is {card['sdk']!r}; the app is made with gradio.")
    if len(card.get("short_description", "")) > SHORT:
        length = len(card["short_description"])
        raise SpaceError(f"{where}.short_description has {length} characters; the Hub takes {SHORT}. Shorten it.")


def front_matter(card: Card) -> bytes:
    """The block with both its fences, always the same for the same card."""
    body = yaml.safe_dump(dict(card), sort_keys=False, allow_unicode=True, width=10_000)
    return f"---\n{body}---\n".encode()


def split(readme: bytes) -> tuple[bytes, bytes]:
    """(front matter with its fences, empty where there is none; all that follows). Raises SpaceError rather than take
    a ruled line for a fence."""
    found = _BLOCK.match(readme)
    if not found:
        if _FENCE.match(readme):
            raise SpaceError("README.md opens front matter with --- and never closes it. Close it, or remove the line.")
        return b"", readme
    try:
        is_card = isinstance(yaml.safe_load(found[1]), dict)
    except yaml.YAMLError:
        is_card = False
    if not is_card:
        raise SpaceError("what stands between the first two --- of README.md is no front matter. Mend or remove it.")
    return found[0], readme[found.end() :]


def synced(readme: bytes, card: Card) -> bytes:
    """The same README under this card; its body to the byte."""
    return front_matter(card) + split(readme)[1]


def _check_kind(value: object, kind: str, where: str) -> None:
    right = isinstance(value, _KINDS[kind]) and (kind == _FLAG or not isinstance(value, bool))
    if right and kind == _TEXTS:
        right = all(isinstance(one, str) for one in value)  # type: ignore[attr-defined]
    if not right:
        quotes = " Put it in quotes." if kind == _TEXT and isinstance(value, int | float) else ""
        raise SpaceError(f"{where} is {value!r}; it must be {kind}.{quotes}")
