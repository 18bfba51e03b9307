"""Rows from files of three formats. Each is named by file and line, and parsed only when it is wanted."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from composer.errors import TaskError
from composer.tasks.fields import Row, bad

NESTED = ("choices", "endings", "answers", "entities")
"""Columns that hold lists or tables. A CSV file has no such cells: there they are JSON."""
LONGEST_CELL = 10_000_000


@dataclass(frozen=True)
class RawRow:
    """A row that was found and not yet parsed."""

    number: int
    """From 0, blank lines not counted."""
    place: str
    """Where a person finds it: "cb/train.jsonl, line 3"."""
    read: Callable[[], Row]
    """Raises TaskError for what is no row."""


def read_file(path: Path) -> Iterator[RawRow]:
    """In the file's order; memory does not grow with its length. Raises TaskError where the file itself is damaged."""
    where = f"{path.parent.name}/{path.name}"
    try:
        yield from READERS[path.suffix](path, where)
    except (OSError, csv.Error) as error:
        raise unreadable(where, error) from error


def unreadable(where: str, error: Exception) -> TaskError:
    return TaskError(f"{where} cannot be read: {str(error).splitlines()[0]}. Restore the file.")


def _jsonl(path: Path, where: str) -> Iterator[RawRow]:
    with path.open("rb") as file:
        number = 0
        for line, content in enumerate(file, start=1):
            if content.strip():
                yield RawRow(number, f"{where}, line {line}", partial(_json_row, content))
                number += 1


def _json_row(content: bytes) -> Row:
    try:
        row = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise TaskError(f"it is not JSON ({error}); write one object a line.") from error
    if not isinstance(row, dict):
        raise TaskError(f"it is a {type(row).__name__} and not an object; write one object a line.")
    return row


def _csv(path: Path, where: str) -> Iterator[RawRow]:
    csv.field_size_limit(LONGEST_CELL)
    # A byte that is no UTF-8 becomes half of a surrogate pair, which the row's own check then names.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.reader(file, strict=True)
        header = next(reader, [])
        number = 0
        while True:
            place = f"{where}, line {reader.line_num + 1}"
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                # The reader takes up again at the next line.
                yield RawRow(number, place, partial(_csv_broken, str(error)))
            else:
                if not cells:
                    continue
                yield RawRow(number, place, partial(_csv_row, header, cells))
            number += 1


def _csv_broken(reason: str) -> Row:
    raise TaskError(f"it is not CSV ({reason}); quote cells that hold commas, quotes or line breaks.")


def _csv_row(header: list[str], cells: list[str]) -> Row:
    if len(cells) != len(header):
        raise TaskError(f"it has {len(cells)} cells and the header names {len(header)}; quote cells that hold commas.")
    return {name: _nested(name, cell) if name in NESTED else cell for name, cell in zip(header, cells, strict=True)}


def _nested(name: str, cell: str) -> object:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        raise bad(name, cell, "in a CSV file it must hold JSON") from None


def _parquet(path: Path, where: str) -> Iterator[RawRow]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(batch_size=1_000, use_threads=False):
                for place in range(batch.num_rows):
                    # Counted from 1, as lines are: a parquet file has no lines.
                    yield RawRow(number, f"{where}, row {number + 1}", partial(_parquet_row, batch, place))
                    number += 1
    except pa.ArrowException as error:
        raise unreadable(where, error) from error


def _parquet_row(batch: Any, place: int) -> Row:  # noqa: ANN401 - pyarrow ships no types
    return {name: batch.column(name)[place].as_py() for name in batch.schema.names}


READERS: dict[str, Callable[[Path, str], Iterator[RawRow]]] = {".jsonl": _jsonl, ".csv": _csv, ".parquet": _parquet}
"""Suffix to reader."""
