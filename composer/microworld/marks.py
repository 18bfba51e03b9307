"""Marks in prose for the trainer: which words a text itself decides, and where in the text that is said.

A document is written with signs that are no part of what is read. A decided word stands in brackets: "The ball belongs to
⟦Anna⟧." A statement's last mention and one before it are tied together, a question's subject and what a claim says of it
are pointed out, so is the word in which two sentences differ, and an answer names the statement that decides it. From these
the trainer knows which token should look where.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

OPEN, CLOSE = "⟦", "⟧"
FACTS = 16
"""How many statements of one document can be told apart."""
# Private-use characters. The first two count statements.
_HEAD, _PART, _SUBJECT, _CLAIM, _ODD = 0xE000, 0xE100, 0xE200, 0xE201, 0xE202
KINDS = ("part", "fact", "claim", "odd")
"""From the end of a phrase to what it is about; from a question to the statement that answers it; from a verdict to what was
claimed; from a verdict to the word that makes two sentences differ."""


@dataclass(frozen=True)
class Link:
    """The token with character `at` is helped by what stands at character `to`."""

    at: int
    to: int
    kind: str
    """One of KINDS."""


@dataclass(frozen=True)
class Marked:
    text: str
    decided: tuple[bool, ...]
    """One for each character."""
    links: tuple[Link, ...]


def fact(frame: str, number: int) -> str:
    """Signs of a frame become marks of statement `number`: "@" behind a mention, "#" behind the last one, "^" behind what
    is asked about, "~" behind what is claimed of it, "%" behind a word that differs, "[...]" around what is decided by that
    statement."""
    marks: dict[str, str | int | None] = {
        "~": chr(_CLAIM),
        "%": chr(_ODD),
        "@": chr(_PART + number),
        "#": chr(_HEAD + number),
        "^": chr(_SUBJECT),
        "[": OPEN + chr(_HEAD + number),
        "]": CLOSE,
    }
    return frame.translate(str.maketrans(marks))


def unmarked(marked: str) -> str:
    """What is read."""
    return "".join(char for char in marked if char not in (OPEN, CLOSE) and not _is_mark(char))


def _is_mark(char: str) -> bool:
    return _HEAD <= ord(char) <= _ODD


def parse(marked: str) -> Marked:
    """Text, decided characters and links. A link to a statement that is not in the text is left out."""
    text: list[str] = []
    decided: list[bool] = []
    heads: dict[int, int] = {}
    parts: dict[int, int] = {}
    asked: list[tuple[int, str, int]] = []  # where an answer is due, kind, place or number of the statement
    pointed: dict[str, int] = {}  # kind -> the latest place, until an answer follows
    inside = False
    for char in marked:
        code = ord(char)
        if char in (OPEN, CLOSE):
            inside = char == OPEN
        elif code in _POINTS:
            pointed[_POINTS[code]] = len(text) - 1
        elif _PART <= code < _PART + FACTS:
            parts[code - _PART] = len(text) - 1
        elif _HEAD <= code < _HEAD + FACTS and inside:
            due = len("".join(text).rstrip()) - 1
            asked += [(due, "fact", code - _HEAD), *((due, kind, place) for kind, place in pointed.items())]
            pointed = {}
        elif _HEAD <= code < _HEAD + FACTS:
            heads[code - _HEAD] = len(text) - 1
        else:
            text.append(char)
            decided.append(inside)
    return Marked("".join(text), tuple(decided), tuple(_links(heads, parts, asked)))


_POINTS = {_SUBJECT: "part", _CLAIM: "claim", _ODD: "odd"}


def _links(heads: dict[int, int], parts: dict[int, int], asked: list[tuple[int, str, int]]) -> Iterator[Link]:
    for number, head in heads.items():
        if number in parts:
            yield Link(head, parts[number], "part")
    for due, kind, place in asked:
        if kind != "fact":
            yield Link(due, place, kind)
        elif place in heads:
            yield Link(due, heads[place], kind)
