"""Strategies that read the index's vectors, each held to its source by a plain reference on made-up vectors."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from composer.errors import SettingsError
from composer.routing import STRATEGIES, Choice, Evidence, ExampleVectors
from composer.types import Query, TaskWeights

TASKS = ("cb", "copa", "mnli", "piqa", "rte")
COUNTS = (30, 25, 40, 22, 35)
ONE_OF_MANY = tuple(name for name in STRATEGIES if name.startswith(("loraretriever", "lorauter", "router", "smear")))


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def made(tasks: tuple[str, ...] = TASKS, spread: float = 0.25) -> dict[str, np.ndarray]:
    """Examples around a direction of each task's own."""
    generator = np.random.default_rng(3)
    around = {task: generator.normal(size=24) for task in TASKS}
    noise = {task: generator.normal(size=(count, 24)) * spread * 4 for task, count in zip(TASKS, COUNTS, strict=True)}
    return {task: unit(around[task] + noise[task]) for task in tasks}


def question(seed: int = 1) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=24))


def evidence(by_task: dict[str, np.ndarray], vector: np.ndarray, tasks: tuple[str, ...] | None = None) -> Evidence:
    vectors = ExampleVectors(by_task)
    weights = TaskWeights((("cb", 1.0),), (), top_p=0.9, kernel="inverse")
    return Evidence(
        Query("Is it?", ("yes", "no")),
        (),
        weights,
        tasks=vectors.tasks if tasks is None else tasks,
        embed=lambda: vector,
        examples=lambda: vectors,
    )


def cosines(by_task: dict[str, np.ndarray], vector: np.ndarray, most: int | None) -> dict[str, float]:
    means = {task: np.asarray(rows[:most], dtype=np.float64).sum(axis=0) for task, rows in by_task.items()}
    return {task: float(mean @ vector / np.linalg.norm(mean)) for task, mean in means.items()}


def nearest(found: dict[str, float]) -> list[str]:
    return sorted(found, key=lambda task: -found[task])


@pytest.mark.parametrize("seed", range(5))
def test_loraretriever_takes_the_nearest_means_of_twenty_examples(seed: int):
    by_task, vector = made(), question(seed)
    order = nearest(cosines(by_task, vector, 20))
    given = evidence(by_task, vector)
    assert STRATEGIES["loraretriever_selection"].choose(given) == ((order[0], 1.0),)
    for name in ("loraretriever_fusion", "loraretriever_mixture"):
        assert STRATEGIES[name].choose(given) == tuple((task, 1 / 3) for task in order[:3])


def test_loraretriever_reads_twenty_examples_and_lorauter_all():
    vector = question()
    by_task = made()
    far = unit(-vector + 0.01)
    by_task["mnli"] = np.stack([vector] * 20 + [far] * 200)
    given = evidence(by_task, vector)
    assert STRATEGIES["loraretriever_selection"].choose(given) == (("mnli", 1.0),)
    assert "mnli" not in dict(STRATEGIES["lorauter"].choose(given))


@pytest.mark.parametrize("seed", range(5))
def test_lorauter_weighs_the_three_nearest_centroids_by_a_softmax(seed: int):
    by_task, vector = made(), question(seed)
    found = cosines(by_task, vector, None)
    order = nearest(found)[:3]
    odds = np.exp(np.array([found[task] for task in order]) / 0.05)
    choice = STRATEGIES["lorauter"].choose(evidence(by_task, vector))
    assert [task for task, _ in choice] == order
    assert [weight for _, weight in choice] == pytest.approx((odds / odds.sum()).tolist(), rel=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_the_routers_take_the_classifiers_probabilities(seed: int):
    by_task, vector = made(), question(seed)
    given = evidence(by_task, vector)
    model = given.vectors().classifier
    logits = vector @ model.coef_.T + model.intercept_
    odds = np.exp(logits - logits.max())
    probabilities = dict(zip(model.classes_, (odds / odds.sum()).tolist(), strict=True))
    order = nearest(probabilities)
    chosen = {name: STRATEGIES[name].choose(given) for name in ("router_top1", "router_top3", "router_soft", "smear")}
    assert chosen["router_top1"] == ((order[0], 1.0),)
    for name, kept in (
        ("router_top3", order[:3]),
        ("router_soft", [task for task in order if probabilities[task] > 0.01]),
        ("smear", order),
    ):
        total = sum(probabilities[task] for task in kept)
        assert [task for task, _ in chosen[name]] == kept
        expected = [probabilities[task] / total for task in kept]
        assert [weight for _, weight in chosen[name]] == pytest.approx(expected, rel=1e-4)


def test_the_soft_router_leaves_out_what_is_hardly_possible():
    by_task = made(spread=0.02)
    given = evidence(by_task, unit(by_task["copa"].mean(axis=0)))
    assert len(STRATEGIES["router_soft"].choose(given)) < len(STRATEGIES["smear"].choose(given)) == len(TASKS)


def test_the_soft_router_keeps_the_likeliest_where_none_is_likely(monkeypatch: pytest.MonkeyPatch):
    many = {f"task{number:03}": 1 / 200 for number in range(200)}
    monkeypatch.setattr(ExampleVectors, "probabilities", lambda self, vector: many)
    assert STRATEGIES["router_soft"].choose(evidence(made(), question())) == (("task000", 1.0),)


def test_the_classifier_knows_its_examples_and_no_task_by_its_size():
    by_task = made(spread=0.1)
    by_task["mnli"] = by_task["mnli"][:4]
    given = evidence(by_task, question())
    for task, rows in by_task.items():
        assert all(ExampleVectors(by_task).classifier.predict(rows) == task)
    again = evidence(by_task, question())
    for name in ONE_OF_MANY:
        assert STRATEGIES[name].choose(given) == STRATEGIES[name].choose(again)


def test_soup_is_every_adapter_that_may_be_chosen_by_name():
    assert STRATEGIES["soup"].choose(evidence(made(), question(), ("rte", "cb", "piqa", "wic"))) == (
        ("cb", 0.25),
        ("piqa", 0.25),
        ("rte", 0.25),
        ("wic", 0.25),
    )


@pytest.mark.parametrize("name", ["soup", *ONE_OF_MANY])
@pytest.mark.parametrize("tasks", [TASKS, TASKS[:2], TASKS[:1]])
def test_weights_sum_to_one_heaviest_first_however_few_tasks_there_are(name: str, tasks: tuple[str, ...]):
    choice = STRATEGIES[name].choose(evidence(made(tasks), question()))
    weights = [weight for _, weight in choice]
    assert math.isclose(sum(weights), 1.0)
    assert weights == sorted(weights, reverse=True)
    assert {task for task, _ in choice} <= set(tasks)


@pytest.mark.parametrize("name", ["soup", *ONE_OF_MANY])
def test_where_every_adapter_is_taken_away_the_base_is_left(name: str):
    assert STRATEGIES[name].choose(evidence(made(), question(), ())) == ()


@pytest.mark.parametrize("name", ONE_OF_MANY)
def test_a_task_whose_adapter_is_taken_away_is_not_chosen_and_leaves_no_trace(name: str):
    by_task = made()
    vector = unit(by_task["copa"].mean(axis=0))
    others = tuple(task for task in TASKS if task != "copa")
    assert STRATEGIES[name].choose(evidence(by_task, vector))[0][0] == "copa"
    without = STRATEGIES[name].choose(evidence(by_task, vector, others))
    assert without == STRATEGIES[name].choose(evidence(made(others), vector))


@pytest.mark.parametrize("name", ONE_OF_MANY)
def test_ties_go_by_the_tasks_name(name: str):
    same = made()["copa"]
    choice: Choice = STRATEGIES[name].choose(evidence({"rte": same, "cb": same, "mnli": same}, question()))
    assert [task for task, _ in choice] == ["cb", "mnli", "rte"][: len(choice)]


@pytest.mark.parametrize("name", ONE_OF_MANY)
def test_without_an_index_it_is_said(name: str):
    with pytest.raises(SettingsError, match="needs the index's vectors"):
        STRATEGIES[name].choose(replace(evidence(made(), question()), examples=None))
