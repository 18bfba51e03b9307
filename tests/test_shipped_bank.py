"""The bank that ships is whole, is what it says, and leads the paper's question where the paper leads it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from composer.bank.examples import Examples, read_examples
from composer.bank.manifest import ADAPTER_FILES, Bank, load_bank, sha256_of
from composer.bank.reading import read_adapter
from composer.config import DEFAULT_BANK, ROOT
from composer.evaluation.pages import DOCUMENT, read, with_figures, with_table
from composer.pipeline import Composer
from composer.retrieval.encoder import Encoder
from composer.retrieval.projection import MAP_FILE, read_map
from composer.tasks import TASKS, TRAINED
from composer.training.recipe import ALL_PROJECTIONS, recipe_named
from composer.training.record import read_record
from composer.types import Query

PASSAGES = ("squad", "boolq", "multirc", "record", "cosmos_qa", "yelp")
"""Their rows are whole passages, so fewer of them are written."""
ALIKE = 0.93
PAPERS = json.loads((ROOT / "assets" / "cases" / "tennis-ball.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def bank() -> Bank:
    return load_bank(DEFAULT_BANK)


@pytest.fixture(scope="module")
def examples(bank: Bank) -> Examples:
    assert bank.examples is not None
    return read_examples(bank.examples.path)


def test_bank_check_finds_no_fault(cli, smollm_base: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COMPOSER_CACHE", str(smollm_base.parent.parent))
    found = json.loads(cli("bank", "check", DEFAULT_BANK, "--json").out)
    assert (found["faults"], found["read"], found["adapters"]) == ([], 22, 22)


def test_every_adapter_is_the_one_that_is_described(bank: Bank):
    assert set(bank.tasks) == set(TRAINED)
    for _, source in bank.adapters:
        assert source.path is not None
        assert dict(source.sha256) == {name: sha256_of(source.path / name) for name in ADAPTER_FILES}
    weights = [dict(source.sha256)[ADAPTER_FILES[1]] for _, source in bank.adapters]
    assert len(set(weights)) == 22


@pytest.mark.parametrize("task", TRAINED)
def test_each_adapter_changes_every_layer_and_was_trained_on_its_own_task_on_this_base(bank: Bank, task: str):
    folder = bank.adapter(task).path
    assert folder is not None
    factors = read_adapter(folder, name=task)
    modules = [module for stack in factors.stacks for module in stack.modules]
    assert {module.rpartition(".")[2] for module in modules} == set(ALL_PROJECTIONS)
    assert len(modules) == 30 * len(ALL_PROJECTIONS)
    assert all(stack.b.abs().max() > 0 for stack in factors.stacks)
    assert factors.rank == recipe_named(str(bank.recipe)).rank
    with safe_open(folder / ADAPTER_FILES[1], "pt") as file:
        assert {file.get_tensor(name).dtype.itemsize for name in file.keys()} == {2}  # noqa: SIM118 - no mapping
    record = read_record(folder)
    assert (record.task, record.identity["base_id"]) == (task, bank.base.file_sha256)
    assert record.loss < record.first_loss
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert bank.base_name in card


def test_the_papers_question_leads_to_the_papers_task(shipped: Composer):
    trace = shipped.explain(Query(PAPERS["query"], tuple(PAPERS["options"])))
    assert trace.weights.heaviest == "commonsense_qa"
    assert trace.failures == ()
    assert len(trace.neighbours) == 100
    assert all(np.isfinite(prediction.scores).all() for prediction in trace.predictions)


def test_there_are_enough_examples_of_every_task(examples: Examples):
    counts = Counter(examples.tasks)
    few = {task: counts[task] for task in TRAINED if counts[task] < (80 if task in PASSAGES else 150)}
    assert few == {}
    assert set(counts) == set(TRAINED)


def test_every_example_is_a_question_with_a_right_answer(examples: Examples):
    for row, task in enumerate(examples.tasks):
        query = examples.query(row)  # raises for what cannot be asked
        assert query.gold is not None, examples.row_ids[row]
        assert query.hint == TASKS[task].hint
        assert TASKS[task].labels in ((), query.options)
        assert examples.texts[row] == query.retrieval_text


@pytest.mark.parametrize("task", [task for task in TRAINED if TASKS[task].labels])
def test_no_label_is_always_or_never_right(examples: Examples, task: str):
    golds = Counter(examples.golds[row] for row in examples.rows_of(task))
    labels, rows = len(TASKS[task].labels), sum(golds.values())
    assert set(golds) == set(range(labels))
    assert max(golds.values()) <= 1.6 * rows / labels


@pytest.mark.parametrize("task", TRAINED)
def test_no_two_examples_of_a_task_are_nearly_alike(examples: Examples, task: str):
    assert examples.vectors is not None
    vectors = examples.vectors[list(examples.rows_of(task))].astype(np.float32)
    cosines = np.tril(vectors @ vectors.T, -1)
    first, second = np.unravel_index(cosines.argmax(), cosines.shape)
    texts = [examples.texts[examples.rows_of(task)[int(place)]] for place in (first, second)]
    assert cosines.max() < ALIKE, texts


def test_the_vectors_are_the_encoders_own(bank: Bank, examples: Examples):
    assert examples.vectors is not None
    rows = [examples.rows_of(task)[0] for task in TRAINED]
    fresh = Encoder(bank.encoder).encode([examples.texts[row] for row in rows])
    assert np.abs(fresh - examples.vectors[rows].astype(np.float32)).max() < 1e-3


def test_the_map_shows_every_example(bank: Bank, examples: Examples):
    positions = read_map(bank.folder / MAP_FILE)
    assert positions.row_ids == examples.row_ids
    assert MAP_FILE in [shipped.path.name for shipped in bank.files]


def test_the_readmes_table_and_the_evaluations_document_are_current():
    results = read()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert with_table(readme, results) == readme
    document = DOCUMENT.read_text(encoding="utf-8")
    assert with_figures(document, results) == document
