from __future__ import annotations

from dataclasses import replace

import pytest

from composer.bank.examples import read_examples
from composer.config import DEFAULT_METHODS, Settings
from composer.errors import BankError, MergeError, SettingsError, TaskError
from composer.evaluation.grid import (
    Evaluation,
    Plan,
    RetrievalTally,
    Tally,
    TaskResult,
    evaluate,
    known_strategies,
    strategies_named,
)
from composer.merging import METHODS
from composer.pipeline import Composer
from composer.routing import STRATEGIES
from composer.types import Prediction

LIMIT = 3


@pytest.fixture(scope="module")
def evaluation(composer: Composer) -> Evaluation:
    return evaluate(composer, tasks=("copa", "imdb"), limit=LIMIT)


@pytest.fixture(scope="module")
def copa(composer: Composer):
    assert composer.bank.evaluation is not None
    examples = read_examples(composer.bank.evaluation.path)
    return [examples.query(row) for row in examples.rows_of("copa")[:LIMIT]]


def test_every_strategy_and_method_is_known_once():
    assert known_strategies() == ("base", "own", "top1", "uniform", *METHODS)
    assert set(known_strategies()) == set(STRATEGIES) - {"retrieval"} | set(METHODS)


def test_retrieval_stands_for_the_default_methods_in_the_order_of_the_registry():
    assert strategies_named(("retrieval", "base")) == ("base", *DEFAULT_METHODS)
    assert strategies_named(None) == ("base", "own", "top1", "uniform", *DEFAULT_METHODS)
    assert strategies_named(("svd", "retrieval")) == (*DEFAULT_METHODS, "svd")
    assert strategies_named(("ties", "own", "ties")) == ("own", "ties")


def test_the_methods_answer_as_explain_does(composer: Composer, copa, evaluation: Evaluation):
    traces = [composer.explain(query) for query in copa]
    tallies = dict(evaluation.tasks[0].tallies)
    for method in ("base", *DEFAULT_METHODS):
        correct = sum(t.prediction(method).chosen == t.query.gold for t in traces)
        assert tallies[method] == Tally(correct, LIMIT)


def test_the_baselines_answer_as_their_adapters_do(composer: Composer, copa, evaluation: Evaluation):
    settings = composer.default_settings()
    counts = dict.fromkeys(("own", "top1", "uniform"), 0)
    for query in copa:
        weights = composer.explain(query).weights
        share = 1 / len(weights.kept)
        for name, choice, method in (
            ("own", (("copa", 1.0),), "cat"),
            ("top1", ((weights.heaviest, 1.0),), "cat"),
            ("uniform", tuple((task, share) for task, _ in weights.kept), "linear"),
        ):
            answer = composer.score(query, [composer.merge(choice, settings, method)], settings)[1]
            assert isinstance(answer, Prediction)
            counts[name] += answer.chosen == query.gold
    tallies = dict(evaluation.tasks[0].tallies)
    assert {name: tallies[name].correct for name in counts} == counts


def test_retrieval_is_counted_with_the_hint_and_as_typed(composer: Composer, copa, evaluation: Evaluation):
    for hint, found in ((True, evaluation.tasks[0].retrieval), (False, evaluation.tasks[0].as_typed)):
        asked = copa if hint else [replace(query, hint=None) for query in copa]
        settings = composer.default_settings()
        weights = [composer.route(composer.retrieve(query, settings), settings) for query in asked]
        heaviest = sum(one.heaviest == "copa" for one in weights)
        assert found == RetrievalTally(heaviest, sum("copa" in dict(one.kept) for one in weights), LIMIT)


def test_only_what_is_counted_as_typed_is_embedded_without_the_hint(composer: Composer, copa, monkeypatch):
    batches, encode = [], composer.encoder.encode
    monkeypatch.setattr(composer.encoder, "encode", lambda texts: batches.append(list(texts)) or encode(texts))
    evaluate(composer, tasks=("copa",), strategies=("base",), limit=LIMIT)
    assert all(query.hint for query in copa)
    assert batches == [
        [query.retrieval_text for query in copa],
        [replace(query, hint=None).retrieval_text for query in copa],
    ]


def test_a_held_out_task_has_no_own_adapter_and_no_retrieval_of_its_own(evaluation: Evaluation):
    imdb = evaluation.tasks[1]
    assert imdb.held_out
    assert imdb.as_typed is None
    assert [name for name, _ in imdb.tallies] == [name for name in strategies_named(None) if name != "own"]


def test_all_strategies_of_a_row_are_one_forward_pass_and_progress_reaches_the_end(composer: Composer):
    passes, steps = [], []
    hook = composer.base.model.register_forward_pre_hook(lambda *_: passes.append(1))
    try:
        evaluate(composer, tasks=("copa",), limit=2, progress=lambda *step: steps.append(step))
    finally:
        hook.remove()
    assert len(passes) == 2
    assert steps == [(1, 2), (2, 2)]


def test_a_method_that_fails_counts_as_wrong_and_leaves_the_others(composer: Composer, monkeypatch):
    def raising(*_: object):
        raise MergeError("it broke. Mend it.")

    monkeypatch.setitem(METHODS, "ties", replace(METHODS["ties"], merge=raising))
    (result,) = evaluate(composer, tasks=("copa",), strategies=("base", "ties", "cat"), limit=2).tasks
    tallies = dict(result.tallies)
    assert tallies["ties"] == Tally(correct=0, n=2, failed=2)
    assert (tallies["base"].failed, tallies["cat"].failed) == (0, 0)


def test_means_weigh_tasks_alike_and_leave_held_out_tasks_apart():
    found = RetrievalTally(1, 1, 1)
    tasks = (
        TaskResult("a", (("base", Tally(1, 2)), ("own", Tally(2, 2))), found, found),
        TaskResult("b", (("base", Tally(0, 8)), ("own", Tally(4, 8))), found, found),
        TaskResult("imdb", (("base", Tally(3, 4)),), None, None),
    )
    evaluation = Evaluation("made", Settings(), ("base", "own"), tasks)
    assert evaluation.means() == (("base", 0.25), ("own", 0.75))
    assert evaluation.means(held_out=True) == (("base", 0.75),)


def test_trained_tasks_come_before_held_out_ones_and_each_gives_its_first_rows(composer: Composer):
    plan = Plan.of(composer.bank, tasks=None, strategies=None, limit=2)
    names = [task for task, _ in plan.rows]
    assert set(names[: len(composer.bank.tasks)]) == set(composer.bank.tasks)
    assert plan.rows[0][1] == plan.examples.rows_of(names[0])[:2]
    assert plan.total == 2 * len(names)


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"tasks": ("copaa",)}, TaskError, "Did you mean 'copa'"),
        ({"tasks": ()}, TaskError, "no task was chosen"),
        ({"strategies": ("tie",)}, SettingsError, "Did you mean 'ties'"),
        ({"strategies": ()}, SettingsError, "no strategy was chosen"),
        ({"limit": 0}, SettingsError, "limit is 0"),
    ],
)
def test_a_wrong_choice_is_refused_before_a_model_is_needed(composer: Composer, wrong, error, words: str):
    with pytest.raises(error, match=words):
        Plan.of(composer.bank, **{"tasks": None, "strategies": None, "limit": None, **wrong})


def test_a_bank_without_test_rows_is_refused(composer: Composer):
    with pytest.raises(BankError, match="no test rows"):
        Plan.of(replace(composer.bank, evaluation=None), tasks=None, strategies=None, limit=None)
