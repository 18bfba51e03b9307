"""The inputs of the scaling measurements: what they hold equal, and what they call exact."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.bank_scaling import summary
from benchmarks.index_scaling import TOP_K, exact, recall, scaled, sentence_like
from benchmarks.plan import Plan
from benchmarks.scaled_bank import _nth_copy, copy_name


def test_rows_around_a_question_go_to_the_same_copies_in_any_bank():
    names = {copy_name(task, number) for task in ("copa", "wic") for number in range(3)}
    assert names == {"copa", "copa_01", "copa_02", "wic", "wic_01", "wic_02"}
    assert [_nth_copy("copa", question, names) for question in range(4)] == ["copa", "copa_01", "copa_02", "copa"]
    assert {_nth_copy("wic", question, {"copa", "wic"}) for question in range(4)} == {"wic"}


def test_the_largest_bank_is_held_against_the_smallest():
    values = {"p50_ms": 10.0, "start_s": 2.0, "first_p50_ms": 20.0, "peak_rss_mb": 900.0}
    large = {"p50_ms": 11.0, "start_s": 3.0, "first_p50_ms": 50.0, "peak_rss_mb": 950.0}
    found = summary({22: values, 200: values, 1_000: large})
    assert (found["p50_ratio"], found["start_ratio"], found["first_ratio"]) == (1.1, 1.5, 2.5)
    assert found["peak_rss_plus_mb"] == 50.0


def sentences(generator: np.random.Generator) -> np.ndarray:
    vectors = generator.standard_normal((50, 384), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_exact_answer_is_that_of_sorting_all_distances():
    generator = np.random.default_rng(3)
    vectors, queries = (sentence_like(count, sentences(generator), generator) for count in (400, 2))
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    for query, found in zip(queries, exact(vectors, queries), strict=True):
        order = np.argsort(((vectors - query) ** 2).sum(axis=1))
        assert found == {f"row-{i}" for i in order[:TOP_K]}


def test_recall_is_the_share_that_was_found():
    assert recall([{"a", "b"}, {"c"}], [{"a", "b"}, {"c", "d"}]) == pytest.approx(0.75)


def test_a_small_index_is_built_searched_and_found_whole():
    result = scaled(600, sentences(np.random.default_rng(5)), Plan(quick=True))
    assert result["recall_at_100"] == 1.0
    assert result["rows_per_s"] > 0 and result["megabytes"] > 0
