from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bank_files import made_examples

from composer.bank.examples import read_examples, write_examples
from composer.errors import BankError
from composer.types import Query


def test_examples_read_back_as_they_were_written(tmp_path: Path):
    examples = made_examples()
    write_examples(tmp_path / "e.parquet", examples)
    again = read_examples(tmp_path / "e.parquet")
    assert replace(again, vectors=None).__dict__ == replace(examples, vectors=None).__dict__
    assert again.vectors is not None and again.vectors.dtype == np.float16
    assert np.array_equal(again.vectors, examples.vectors)


def test_the_file_is_the_same_bytes_every_time(tmp_path: Path):
    for name in ("a", "b"):
        write_examples(tmp_path / name, made_examples())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_test_rows_need_no_vectors(tmp_path: Path):
    write_examples(tmp_path / "e.parquet", made_examples(vectors=False))
    assert read_examples(tmp_path / "e.parquet").vectors is None


def test_a_row_is_a_question():
    assert made_examples().query(1) == Query("Question 1? Ünïcode 🙂", ("yes", "no"), 1, "A passage.", "Choose.")
    assert made_examples().query(0) == Query("Question 0? Ünïcode 🙂", ("a", "b", "c"), 0)


def test_rows_are_found_by_task():
    assert made_examples().rows_of("boolq") == (1, 3, 5)
    assert made_examples().rows_of("cb") == ()


def test_vectors_of_fixed_size_are_read_too(tmp_path: Path):
    examples = made_examples()
    write_examples(tmp_path / "e.parquet", examples)
    table = pq.read_table(tmp_path / "e.parquet")
    assert examples.vectors is not None
    fixed = pa.FixedSizeListArray.from_arrays(pa.array(examples.vectors.astype(np.float32).reshape(-1)), 384)
    pq.write_table(table.set_column(table.column_names.index("vector"), "vector", fixed), tmp_path / "f.parquet")
    again = read_examples(tmp_path / "f.parquet")
    assert again.vectors is not None and np.array_equal(again.vectors, examples.vectors.astype(np.float32))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet at all" * 100])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "e.parquet").write_bytes(content)
    with pytest.raises(BankError, match="cannot be read"):
        read_examples(tmp_path / "e.parquet")


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(BankError, match="cannot be read"):
        read_examples(tmp_path / "e.parquet")


def test_a_missing_column_is_named(tmp_path: Path):
    write_examples(tmp_path / "e.parquet", made_examples())
    pq.write_table(pq.read_table(tmp_path / "e.parquet").drop_columns(["gold"]), tmp_path / "e.parquet")
    with pytest.raises(BankError, match="lack the column 'gold'"):
        read_examples(tmp_path / "e.parquet")


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("text", pa.array([1] * 6), "'text' .* not text"),
        ("question", pa.array([None] * 6, pa.string()), "'question' .* not text"),
        ("options", pa.array(["yes"] * 6), "not a list of texts"),
        ("gold", pa.array(["0"] * 6), "not a whole number"),
        ("row_id", pa.array(["same"] * 6), "same row id"),
        ("vector", pa.array([[1.0], [1.0, 2.0], [1.0], [1.0], [1.0], []]), "different lengths"),
        ("vector", pa.array([[1.0], None, [1.0], [1.0], [1.0], [1.0]]), "different lengths"),
        ("vector", pa.array([[float("nan")]] * 6), "NaN"),
    ],
)
def test_a_column_of_the_wrong_kind_is_named(tmp_path: Path, column: str, values: pa.Array, words: str):
    write_examples(tmp_path / "e.parquet", made_examples())
    table = pq.read_table(tmp_path / "e.parquet")
    pq.write_table(table.set_column(table.column_names.index(column), column, values), tmp_path / "e.parquet")
    with pytest.raises(BankError, match=words):
        read_examples(tmp_path / "e.parquet")


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(BankError, match="differ in length"):
        replace(made_examples(), tasks=("piqa",))
