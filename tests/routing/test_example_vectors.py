"""An index's vectors with less in them: tasks taken away, or a share of each, and searched exactly."""

from __future__ import annotations

import numpy as np
import pytest

from composer.routing import ExampleVectors

COUNTS = {"cb": 30, "copa": 7, "rte": 1}


@pytest.fixture
def vectors() -> ExampleVectors:
    generator = np.random.default_rng(5)
    made = {task: generator.normal(size=(count, 24)).astype(np.float32) for task, count in COUNTS.items()}
    return ExampleVectors({task: rows / np.linalg.norm(rows, axis=1, keepdims=True) for task, rows in made.items()})


def rows_of(vectors: ExampleVectors) -> dict[str, set[bytes]]:
    return {task: {row.tobytes() for row in rows} for task, rows in vectors.by_task.items()}


def test_without_tasks_the_others_are_left_as_they_are(vectors: ExampleVectors):
    left = vectors.without(frozenset({"copa", "unheard_of"}))
    assert left.tasks == ("cb", "rte")
    assert all(left.by_task[task] is vectors.by_task[task] for task in left.tasks)
    assert vectors.without(frozenset()) is vectors
    assert vectors.without(frozenset({"copa", "unheard_of"})) is left  # so that its classifier is fitted once


@pytest.mark.parametrize(("share", "counts"), [(0.5, (15, 4, 1)), (0.1, (3, 1, 1)), (0.001, (1, 1, 1))])
def test_a_share_of_each_task_is_left_and_at_least_one(vectors: ExampleVectors, share: float, counts: tuple[int, ...]):
    left = vectors.thinned(share)
    assert tuple(len(rows) for rows in left.by_task.values()) == counts
    assert all(rows <= rows_of(vectors)[task] for task, rows in rows_of(left).items())


def test_the_same_examples_are_left_every_time(vectors: ExampleVectors):
    assert rows_of(ExampleVectors(vectors.by_task).thinned(0.3)) == rows_of(vectors.thinned(0.3))
    assert vectors.thinned(0.3) is vectors.thinned(0.3)
    smaller, larger = rows_of(vectors.thinned(0.1)), rows_of(vectors.thinned(0.5))
    assert all(rows <= larger[task] for task, rows in smaller.items())


def test_the_nearest_are_found_exactly_nearest_first(vectors: ExampleVectors):
    question = np.random.default_rng(6).normal(size=24).astype(np.float32)
    question /= np.linalg.norm(question)
    found = vectors.nearest(question, 10, "cosine")
    distances = [(1 - float(row @ question), task) for task, rows in vectors.by_task.items() for row in rows]
    expected = sorted(distances)[:10]
    assert [one.task for one in found] == [task for _, task in expected]
    assert [one.distance for one in found] == pytest.approx([distance for distance, _ in expected], abs=1e-6)
    assert [one.vote for one in found] == pytest.approx([max(0.0, 1 - one.distance) for one in found])


def test_there_are_no_more_neighbours_than_examples_and_none_lies_below_distance_0(vectors: ExampleVectors):
    found = vectors.nearest(vectors.by_task["cb"][3], 1_000, "inverse")
    assert len(found) == sum(COUNTS.values())
    assert (found[0].task, found[0].distance >= 0) == ("cb", True)
    assert found[0].distance == pytest.approx(0, abs=1e-6)
