"""A bank's examples as a parquet file: rows as the tasks rendered them, and the vectors that become the index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from composer.errors import BankError
from composer.types import Query

_TEXT_COLUMNS = ("row_id", "task", "hint", "context", "question", "text")
_NULLABLE = ("hint", "context", "gold", "vector")
COLUMNS = ("row_id", "task", "hint", "context", "question", "options", "gold", "text", "vector")


@dataclass(frozen=True, eq=False)
class Examples:
    """Columns of equal length; row ids are unique."""

    row_ids: tuple[str, ...]
    tasks: tuple[str, ...]
    hints: tuple[str | None, ...]
    contexts: tuple[str | None, ...]
    questions: tuple[str, ...]
    options: tuple[tuple[str, ...], ...]
    golds: tuple[int | None, ...]
    texts: tuple[str, ...]
    """What was embedded. Never with the gold answer."""
    vectors: np.ndarray | None
    """(n, dimension) float16; None where they were not embedded (test rows)."""

    def __post_init__(self) -> None:
        columns = (self.tasks, self.hints, self.contexts, self.questions, self.options, self.golds, self.texts)
        if any(len(column) != len(self.row_ids) for column in columns) or not self.row_ids:
            raise BankError("the examples' columns differ in length or are empty. Make the examples anew.")
        if len(set(self.row_ids)) != len(self.row_ids):
            raise BankError("two of the examples have the same row id. Make the examples anew.")
        if self.vectors is not None:
            if self.vectors.ndim != 2 or len(self.vectors) != len(self.row_ids):
                raise BankError(f"the examples' vectors have shape {self.vectors.shape} for {len(self.row_ids)} rows.")
            if not np.isfinite(self.vectors).all():
                raise BankError("one of the examples' vectors holds a NaN. Embed the examples anew.")

    def __len__(self) -> int:
        return len(self.row_ids)

    def query(self, row: int) -> Query:
        """The row as a question, gold included."""
        return Query(self.questions[row], self.options[row], self.golds[row], self.contexts[row], self.hints[row])

    def rows_of(self, task: str) -> tuple[int, ...]:
        return tuple(row for row, name in enumerate(self.tasks) if name == task)


def write_examples(path: Path, examples: Examples) -> None:
    """Vectors are stored as float16: a distance moves by less than 1e-3, and the file is half as big."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        "row_id": pa.array(examples.row_ids, pa.string()),
        "task": pa.array(examples.tasks, pa.string()),
        "hint": pa.array(examples.hints, pa.string()),
        "context": pa.array(examples.contexts, pa.string()),
        "question": pa.array(examples.questions, pa.string()),
        "options": pa.array([list(options) for options in examples.options], pa.list_(pa.string())),
        "gold": pa.array(examples.golds, pa.int32()),
        "text": pa.array(examples.texts, pa.string()),
    }
    if examples.vectors is not None:
        flat = np.ascontiguousarray(examples.vectors, dtype=np.float16).reshape(-1)
        width = examples.vectors.shape[1]
        # A plain list and not one of fixed size: every parquet reader knows it.
        offsets = pa.array(np.arange(0, flat.size + 1, width, dtype=np.int32))
        columns["vector"] = pa.ListArray.from_arrays(offsets, pa.array(flat, pa.float16()))
    pq.write_table(pa.table(columns), path, compression="zstd")


def read_examples(path: Path) -> Examples:
    """Raises BankError for a file that is damaged or lacks a column."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise BankError(
            f"the examples {path} cannot be read: {error}. Restore the file, or rebuild the bank."
        ) from error
    missing = [name for name in COLUMNS if name not in table.column_names and name != "vector"]
    if missing:
        raise BankError(f"the examples {path} lack the column {missing[0]!r}. Rebuild the bank.")
    values = {name: table.column(name).to_pylist() for name in COLUMNS if name != "vector"}
    _check_values(path, values)
    return Examples(
        row_ids=tuple(values["row_id"]),
        tasks=tuple(values["task"]),
        hints=tuple(values["hint"]),
        contexts=tuple(values["context"]),
        questions=tuple(values["question"]),
        options=tuple(tuple(options) for options in values["options"]),
        golds=tuple(values["gold"]),
        texts=tuple(values["text"]),
        vectors=_vectors(path, table),
    )


def _check_values(path: Path, values: dict[str, list]) -> None:
    for name in _TEXT_COLUMNS:
        allowed: tuple[type, ...] = (str, type(None)) if name in _NULLABLE else (str,)
        if not all(isinstance(value, allowed) for value in values[name]):
            raise BankError(f"the column {name!r} of {path} holds something that is not text. Rebuild the bank.")
    if not all(isinstance(options, list) and all(isinstance(o, str) for o in options) for options in values["options"]):
        raise BankError(
            f"the column 'options' of {path} holds something that is not a list of texts. Rebuild the bank."
        )
    if not all(gold is None or isinstance(gold, int) for gold in values["gold"]):
        raise BankError(f"the column 'gold' of {path} holds something that is not a whole number. Rebuild the bank.")


def _vectors(path: Path, table: object) -> np.ndarray | None:
    if "vector" not in table.column_names:  # type: ignore[attr-defined]
        return None
    column = table.column("vector").combine_chunks()  # type: ignore[attr-defined]
    rows: Sequence | np.ndarray = column.flatten().to_numpy(zero_copy_only=False)
    if column.null_count or len(column) == 0 or len(rows) % len(column):
        raise BankError(f"the column 'vector' of {path} has rows of different lengths. Rebuild the bank.")
    widths = np.diff(column.offsets.to_numpy()) if hasattr(column, "offsets") else np.array([column.type.list_size])
    if (widths != len(rows) // len(column)).any():
        raise BankError(f"the column 'vector' of {path} has rows of different lengths. Rebuild the bank.")
    return np.asarray(rows).reshape(len(column), -1)
