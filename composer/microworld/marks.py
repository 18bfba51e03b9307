"""Marks in prose for the trainer: which words a text itself decides, and where in the text that is said.

A document is written with signs that are no part of what is read. A decided word stands in brackets: "The ball belongs to
⟦Anna⟧." A statement's last mention and one before it are tied together, a question's subject is pointed out, and an answer
names the statement that decides it. From these the trainer knows which token should look where.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

OPEN, CLOSE = "⟦", "⟧"
FACTS = 16
"""How many statements of one document can be told apart."""
_HEAD, _PART, _SUBJECT = 0xE000, 0xE100, 0xE200  # private-use characters; the first two count statements


@dataclass(frozen=True)
class Link:
    """The token with character `at` is helped by what stands at character `to`."""

    at: int
    to: int
    to_fact: bool
    """From a question to the statement that answers it; else from the end of a phrase to what it is about."""


@dataclass(frozen=True)
class Marked:
    text: str
    decided: tuple[bool, ...]
    """One for each character."""
    links: tuple[Link, ...]


def fact(frame: str, number: int) -> str:
    """Signs of a frame become marks of statement `number`: "@" behind a mention, "#" behind the last one, "^" behind what
    is asked about, "[...]" around what is decided by that statement."""
    marks: dict[str, str | int | None] = {
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
    return _HEAD <= ord(char) <= _SUBJECT


def parse(marked: str) -> Marked:
    """Text, decided characters and links. A link whose statement is not in the text is left out."""
    text: list[str] = []
    decided: list[bool] = []
    heads: dict[int, int] = {}
    parts: dict[int, int] = {}
    asked: list[tuple[int, int, int]] = []  # where the answer is due, the subject, the statement
    inside, subject = False, -1
    for char in marked:
        code = ord(char)
        if char in (OPEN, CLOSE):
            inside = char == OPEN
        elif code == _SUBJECT:
            subject = len(text) - 1
        elif _PART <= code < _PART + FACTS:
            parts[code - _PART] = len(text) - 1
        elif _HEAD <= code < _HEAD + FACTS and inside:
            asked.append((len("".join(text).rstrip()) - 1, subject, code - _HEAD))
            subject = -1
        elif _HEAD <= code < _HEAD + FACTS:
            heads[code - _HEAD] = len(text) - 1
        else:
            text.append(char)
            decided.append(inside)
    return Marked("".join(text), tuple(decided), tuple(_links(heads, parts, asked)))


def _links(heads: dict[int, int], parts: dict[int, int], asked: list[tuple[int, int, int]]) -> Iterator[Link]:
    for number, head in heads.items():
        if number in parts:
            yield Link(head, parts[number], to_fact=False)
    for due, subject, number in asked:
        if subject >= 0:
            yield Link(due, subject, to_fact=False)
        if number in heads:
            yield Link(due, heads[number], to_fact=True)
