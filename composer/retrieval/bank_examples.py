"""A bank's own examples: from rows that people wrote to the parquet with vectors that a bank ships, and its map.

Rows that are nearly alike would vote twice for one thing, and rows that repeat a data set's words may not be given
away: both are refused by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import tomlkit

from composer.bank.examples import Examples, write_examples
from composer.bank.manifest import BANK_FILE, Bank, read_bank
from composer.bank.sources import sha256_of
from composer.errors import BankError, TaskError
from composer.retrieval.embedding import Progress, TextEncoder
from composer.retrieval.projection import MAP_FILE, write_map
from composer.tasks import TASKS
from composer.tasks.files import READERS, read_file
from composer.tasks.task import Example

EXAMPLES_FILE = "examples.parquet"
ALIKE = 0.93
"""Cosine from which two examples are held to be one."""
RUN = 8
"""Words in a row that make a sentence somebody else's."""
_BATCH = 64
_WORDS = re.compile(r"[a-z0-9']+")


@dataclass(frozen=True)
class Made:
    rows: int
    tasks: tuple[tuple[str, int], ...]
    """(task, rows)"""
    closest: float
    """The highest cosine between two examples."""


def make_examples(
    bank: Bank, folder: Path, encoder: TextEncoder, *, apart_from: Path | None = None, progress: Progress
) -> Made:
    """Read `folder`/<task>.jsonl, .csv or .parquet; embed; write the files into the bank and name them in bank.toml.

    Raises TaskError for a row that cannot be used, two that are nearly alike, or one that shares 8 words in a row with
    a file below `apart_from`; BankError where the bank cannot be written. Nothing is written then.
    """
    examples = read_rows(folder)
    if apart_from is not None:
        check_original(folder, apart_from)
    vectors = _embedded(encoder, [example.text for example in examples], progress)
    closest = check_distinct(examples, vectors)
    try:
        write_examples(bank.folder / EXAMPLES_FILE, _columns(examples, vectors))
        write_map(bank.folder, [example.row_id for example in examples], vectors)
        _name_in_bank(bank)
    except OSError as error:
        raise BankError(f"nothing can be written to {bank.folder}: {error.strerror or error}.") from error
    counts = {task: sum(example.task == task for example in examples) for task in TASKS}
    return Made(len(examples), tuple((task, count) for task, count in counts.items() if count), closest)


def read_rows(folder: Path) -> tuple[Example, ...]:
    """All rows of all tasks that the folder has a file of. Raises TaskError for the first that cannot be used."""
    examples = tuple(example for task, path in _files(folder) for example in _read(task, path))
    if not examples:
        raise TaskError(f"{folder} holds no rows. Write some as <task>.jsonl, in the columns of the task's data set.")
    return examples


def check_original(folder: Path, others: Path) -> None:
    """Raises TaskError for the first row with 8 words in a row that a row below `others` has too."""
    known = {run for path in sorted(others.rglob("*.jsonl")) for row in _json_rows(path) for run in _runs(row)}
    if not known:
        raise TaskError(f"{others} holds no rows in .jsonl files to be held apart from. Correct --apart-from.")
    for _, path in _files(folder):
        for raw in read_file(path):
            shared = next((words for words in _texts_runs(raw.read()) if _number(words) in known), None)
            if shared:
                raise TaskError(f"{raw.place} shares {shared!r} with a row in {others}. Say it in other words.")


def check_distinct(examples: Sequence[Example], vectors: np.ndarray) -> float:
    """The highest cosine between two examples. Raises TaskError where it is .93 or more."""
    highest = 0.0
    for start in range(0, len(vectors), 512):
        cosines = vectors[start : start + 512] @ vectors.T
        cosines[np.arange(len(cosines)), start + np.arange(len(cosines))] = 0
        place = int(cosines.argmax())
        first, second = start + place // len(vectors), place % len(vectors)
        if cosines.flat[place] >= ALIKE:
            raise TaskError(
                f"{examples[first].row_id} and {examples[second].row_id} are nearly alike (cosine "
                f"{cosines.flat[place]:.2f}). Change one of them."
            )
        highest = max(highest, float(cosines.flat[place]))
    return highest


def _files(folder: Path) -> list[tuple[str, Path]]:
    return [(task, path) for task in TASKS for suffix in READERS if (path := folder / (task + suffix)).is_file()]


def _read(task: str, path: Path) -> Iterator[Example]:
    for raw in read_file(path):
        try:
            yield TASKS[task].example(raw.read(), f"{task}-{raw.number}")
        except TaskError as error:
            raise TaskError(f"{raw.place}: {error.__cause__ or error}") from error


def _json_rows(path: Path) -> Iterator[object]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            try:
                yield json.loads(line)
            except ValueError:
                continue


def _runs(row: object) -> Iterator[int]:
    """Of all texts of a row, as numbers: millions of runs are held at once."""
    return (_number(words) for words in _texts_runs(row))


def _number(words: str) -> int:
    """In 64 bits: among millions of runs, 32 bits would take dozens for others."""
    return int.from_bytes(blake2b(words.encode(), digest_size=8).digest())


def _texts_runs(row: object) -> Iterator[str]:
    for text in _texts(row):
        words = _WORDS.findall(text.lower())
        yield from (" ".join(words[i : i + RUN]) for i in range(len(words) - RUN + 1))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for inner in value.values() for text in _texts(inner))
    elif isinstance(value, list | tuple):
        yield from (text for inner in value for text in _texts(inner))


def _embedded(encoder: TextEncoder, texts: Sequence[str], progress: Progress) -> np.ndarray:
    parts = []
    for start in range(0, len(texts), _BATCH):
        progress(start, len(texts))
        parts.append(encoder.encode(texts[start : start + _BATCH]))
    progress(len(texts), len(texts))
    return np.concatenate(parts)


def _columns(examples: Sequence[Example], vectors: np.ndarray) -> Examples:
    return Examples(
        row_ids=tuple(one.row_id for one in examples),
        tasks=tuple(one.task for one in examples),
        hints=tuple(one.hint for one in examples),
        contexts=tuple(one.context for one in examples),
        questions=tuple(one.question for one in examples),
        options=tuple(one.options for one in examples),
        golds=tuple(one.gold for one in examples),
        texts=tuple(one.text for one in examples),
        vectors=vectors.astype(np.float16),
    )


def _name_in_bank(bank: Bank) -> None:
    path = bank.folder / BANK_FILE
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    examples = tomlkit.table()
    examples["path"] = EXAMPLES_FILE
    examples["sha256"] = sha256_of(bank.folder / EXAMPLES_FILE)
    document["examples"] = examples
    files = document.get("files") or tomlkit.table()
    files[MAP_FILE] = sha256_of(bank.folder / MAP_FILE)
    document["files"] = files
    text = tomlkit.dumps(document)
    read_bank(bank.folder, text)  # refuses what it could not read back
    temporary = path.with_name(BANK_FILE + ".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
