from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from index_rows import COUNT, ENCODER, ROWS, SOURCE, TASKS, VECTORS, build, made_rows, unit

from composer.errors import SearchIndexError, SettingsError
from composer.retrieval.build import IndexRows
from composer.retrieval.index import SearchIndex


@pytest.fixture
def index(built: Path):
    opened = SearchIndex.open(built, ENCODER, SOURCE)
    yield opened
    opened.close()


def questions(count: int) -> np.ndarray:
    return unit(np.random.default_rng(7).normal(size=(count, 384)))


def test_recall_at_100_against_exact_search_is_at_least_99_percent(index: SearchIndex):
    asked = questions(20)
    recalls = []
    for question in asked:
        exact = {ROWS.ids[i] for i in np.argsort(-(VECTORS @ question))[:100]}
        recalls.append(len(exact & {n.row_id for n in index.search(question, 100, "inverse")}) / 100)
    assert np.mean(recalls) >= 0.99


def test_neighbours_carry_their_row_and_true_distance(index: SearchIndex):
    question = questions(1)[0]
    neighbours = index.search(question, 10, "cosine")
    for neighbour in neighbours:
        row = ROWS.ids.index(neighbour.row_id)
        assert (neighbour.task, neighbour.text) == (ROWS.tasks[row], ROWS.texts[row])
        assert neighbour.distance == pytest.approx(1 - float(VECTORS[row] @ question), abs=1e-5)
        assert neighbour.vote == max(0.0, 1 - neighbour.distance)
    assert [n.distance for n in neighbours] == sorted(n.distance for n in neighbours)


def test_an_example_finds_itself_at_distance_0_and_never_below(index: SearchIndex):
    for row in range(0, COUNT, 100):
        nearest = index.search(VECTORS[row], 1, "inverse")[0]
        assert nearest.row_id == ROWS.ids[row]
        assert 0 <= nearest.distance < 1e-5


def test_a_question_gets_the_same_answer_from_every_thread_and_length(index: SearchIndex):
    asked = questions(24)
    serial = [index.search(question, 50, "exp") for question in asked]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda question: index.search(question * 3, 50, "exp"), asked)) != []
        assert list(pool.map(lambda question: index.search(question, 50, "exp"), asked)) == serial


def test_examples_at_the_same_distance_are_ordered_by_row_id(tmp_path: Path):
    vectors = np.repeat(VECTORS[:1], 12, axis=0)
    names = [f"row-{i:02d}" for i in (5, 3, 11, 0, 8, 1, 10, 2, 7, 4, 9, 6)]
    build(tmp_path, IndexRows(names, ["cb"] * 12, ["same"] * 12, vectors))
    twins = SearchIndex.open(tmp_path, ENCODER)
    assert [n.row_id for n in twins.search(VECTORS[0], 4, "inverse")] == ["row-00", "row-01", "row-02", "row-03"]
    twins.close()


def test_more_neighbours_than_examples_are_all_of_them(tmp_path: Path):
    build(tmp_path, made_rows(5))
    small = SearchIndex.open(tmp_path, ENCODER)
    assert len(small.search(VECTORS[0], 1_000, "inverse")) == 5
    small.close()


@pytest.mark.parametrize(
    "vector", [np.full(384, np.nan), np.zeros(384), np.ones(10), np.ones((1, 384))], ids=["nan", "zero", "short", "2-d"]
)
def test_a_vector_that_is_no_question_is_refused(index: SearchIndex, vector: np.ndarray):
    with pytest.raises(SearchIndexError, match="question's vector"):
        index.search(vector, 5, "inverse")


@pytest.mark.parametrize("without", [("cb",), frozenset({"cb", "piqa"}), ("nothing",), ()])
def test_examples_of_tasks_left_out_are_passed_over_as_if_they_were_not_there(index: SearchIndex, without):
    question = questions(1)[0]
    found = index.search(question, 100, "inverse", without)
    assert len(found) == 100
    left = [i for i in np.argsort(-(VECTORS @ question), kind="stable") if ROWS.tasks[i] not in without][:100]
    assert len({one.row_id for one in found} & {ROWS.ids[i] for i in left}) >= 99
    assert [one.distance for one in found] == sorted(one.distance for one in found)


def test_without_any_task_left_nothing_is_found(index: SearchIndex):
    assert index.search(questions(1)[0], 5, "inverse", TASKS) == ()


def test_vectors_are_those_of_every_task_by_row_id_and_read_once(index: SearchIndex, monkeypatch):
    found = index.vectors()
    assert found.tasks == TASKS
    for task, rows in found.by_task.items():
        ids = sorted(ROWS.ids[i] for i in range(COUNT) if ROWS.tasks[i] == task)
        assert np.allclose(rows, [VECTORS[ROWS.ids.index(name)] for name in ids], atol=1e-4)
    monkeypatch.setattr(type(index._collection), "vectors", lambda *_: pytest.fail("read again"))
    assert index.vectors() is found


def test_of_a_large_task_the_first_vectors_are_enough(index: SearchIndex, monkeypatch):
    monkeypatch.setattr("composer.retrieval.index.MOST_VECTORS", 10)
    assert {len(rows) for rows in index.vectors().by_task.values()} == {10}


def test_an_unknown_kernel_or_a_top_k_of_0_is_refused(index: SearchIndex):
    with pytest.raises(SettingsError, match="unknown kernel"):
        index.search(VECTORS[0], 5, "gauss")
    with pytest.raises(SettingsError, match="top-k is 0"):
        index.search(VECTORS[0], 0, "inverse")


def test_rows_are_listed_in_pages(index: SearchIndex, monkeypatch: pytest.MonkeyPatch):
    from index_rows import ROWS

    monkeypatch.setattr("composer.retrieval.chroma.PAGE", 500)
    assert index._collection.tasks() == dict(zip(ROWS.ids, ROWS.tasks, strict=True))
