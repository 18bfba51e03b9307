"""The hand-written lexicon as values, and the one split that decides what test rows may ask about."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import TypeVar

FOLDER = Path(__file__).parent / "lexicon"
TEST_SHARE = 0.2
T = TypeVar("T")


@dataclass(frozen=True)
class Thing:
    """Something of everyday life. Fields hold "" where the thing has no such fact."""

    name: str
    countable: bool
    category: str
    use: str
    place: str
    shop: str
    material: str
    size: str
    part: str
    colour: str
    trait: str

    @property
    def a(self) -> str:
        """With its indefinite article: "a tennis ball", "an apple", "sugar"."""
        return article(self.name) if self.countable else self.name

    @property
    def the(self) -> str:
        return f"the {self.name}"


@dataclass(frozen=True)
class Worker:
    name: str
    does: str
    place: str
    tool: str
    helps: str


@dataclass(frozen=True)
class Person:
    name: str
    female: bool

    @property
    def they(self) -> str:
        return "she" if self.female else "he"

    @property
    def their(self) -> str:
        return "her" if self.female else "his"

    @property
    def them(self) -> str:
        return "her" if self.female else "him"


@dataclass(frozen=True)
class Fact:
    topic: str
    question: str
    answer: str
    distractors: tuple[str, ...]
    statement: str


@dataclass(frozen=True)
class Script:
    """A course of events that everybody knows. Phrases are in the past tense and have no subject."""

    title: str
    place: str
    reason: str
    steps: tuple[str, ...]
    good_end: str
    bad_end: str
    feeling: str
    bad_feeling: str
    next: str


@dataclass(frozen=True)
class Opinion:
    phrase: str
    polarity: int
    """-2, -1, 1 or 2"""
    kind: str
    """adj ("The film was ..."), noun ("It was ..."), verb ("I ... it") or clause"""
    domain: str
    """any, film, food or service"""


@dataclass(frozen=True)
class Homonym:
    word: str
    senses: tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True)
class Pair:
    """Two words that mean the same (synonyms) or cannot both be true (antonyms)."""

    word: str
    other: str
    pos: str


@dataclass(frozen=True)
class HowTo:
    goal: str
    right: str
    wrong: str


@dataclass(frozen=True)
class Cause:
    cause: str
    effect: str


def article(noun: str) -> str:
    """The noun with "a" or "an" by its sound."""
    vowel = noun[0] in "aeio" or noun.startswith(("um", "un", "ug", "hour"))
    return f"{'an' if vowel and not noun.startswith(('one', 'uni', 'use', 'eu')) else 'a'} {noun}"


def upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def is_test(kind: str, key: str) -> bool:
    """Whether this content is asked about in test rows only. By hash, so that adding a line moves no other."""
    digest = hashlib.sha256(f"{kind}:{key}".encode()).digest()
    return int.from_bytes(digest[:4], "big") < TEST_SHARE * 2**32


def of_split(kind: str, items: Iterable[T], split: str, key: str) -> tuple[T, ...]:
    """The items whose field `key` belongs to the split ("train" or "test")."""
    return tuple(item for item in items if is_test(kind, getattr(item, key)) == (split == "test"))


def sample(rng: Random, items: Sequence[T], count: int) -> list[T]:
    return rng.sample(items, min(count, len(items)))


def _table(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def _lines(name: str) -> list[dict]:
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines() if line.strip()]


@dataclass(frozen=True)
class Lexicon:
    things: tuple[Thing, ...]
    workers: tuple[Worker, ...]
    people: tuple[Person, ...]
    facts: tuple[Fact, ...]
    scripts: tuple[Script, ...]
    opinions: tuple[Opinion, ...]
    homonyms: tuple[Homonym, ...]
    synonyms: tuple[Pair, ...]
    antonyms: tuple[Pair, ...]
    howtos: tuple[HowTo, ...]
    causes: tuple[Cause, ...]


def _things() -> tuple[Thing, ...]:
    things: dict[str, Thing] = {}
    for row in (*_table("things_home.tsv"), *_table("things_gear.tsv"), *_table("living.tsv")):
        fields = {key: "" if value == "-" else value for key, value in row.items()}
        name = fields.pop("name")
        thing = Thing(name=name.lstrip("~"), countable=not name.startswith("~"), **fields)
        things.setdefault(thing.name, thing)  # a thing listed under two headings keeps its first entry
    return tuple(things.values())


@cache
def load() -> Lexicon:
    """Read every table once."""
    names = (line.split("\t") for line in (FOLDER / "names.txt").read_text(encoding="utf-8").splitlines() if line)
    return Lexicon(
        things=_things(),
        workers=tuple(Worker(**row) for row in _table("people.tsv")),
        people=tuple(Person(name, gender.strip() == "f") for name, gender in names),
        facts=tuple(
            Fact(
                r["topic"],
                r["question"],
                r["answer"],
                (r["distractor1"], r["distractor2"], r["distractor3"]),
                r["statement"],
            )
            for r in _table("science.tsv")
        ),
        scripts=tuple(Script(**{**row, "steps": tuple(row["steps"])}) for row in _lines("scripts.jsonl")),
        opinions=tuple(
            Opinion(r["phrase"], int(r["polarity"]), r["kind"], r["domain"]) for r in _table("sentiment.tsv")
        ),
        homonyms=tuple(
            Homonym(r["word"], (tuple(r["senses"][0]), tuple(r["senses"][1]))) for r in _lines("senses.jsonl")
        ),
        synonyms=tuple(Pair(r["word"], r["synonym"], r["pos"]) for r in _table("synonyms.tsv")),
        antonyms=tuple(Pair(r["word"], r["antonym"], r["pos"]) for r in _table("antonyms.tsv")),
        howtos=tuple(HowTo(**row) for row in _table("howto.tsv")),
        causes=tuple(Cause(**row) for row in _table("causes.tsv")),
    )
