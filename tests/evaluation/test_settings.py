"""What is taken away in a setting is away: adapters and examples, of the row's task, of its family, or at random."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from composer.errors import SettingsError
from composer.evaluation.choices import SETTINGS, Choices
from composer.evaluation.grid import Plan, evaluate
from composer.evaluation.results import Evaluation
from composer.evaluation.rows import TaskRows, rows_of_bank
from composer.pipeline import Composer
from composer.routing import STRATEGIES, Choice, ExampleVectors, Gate, route
from composer.tasks import FAMILIES
from composer.types import Query

CHOOSING = tuple(name for name, strategy in STRATEGIES.items() if not (strategy.needs_own or strategy.needs_rows))
THINNED = tuple(name for name, setting in SETTINGS.items() if setting.share < 1)


@pytest.fixture(scope="module")
def rte(composer: Composer) -> TaskRows:
    (found,) = rows_of_bank(composer.bank, ("rte",), 2)
    return found


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


def choices(composer: Composer, rows: TaskRows, setting: str, folder: Path, **changed: object) -> Choices:
    settings = replace(composer.default_settings().retrieval, **changed)  # type: ignore[arg-type]
    return Choices(composer, rows, "typed", setting, settings, folder, index_id="i")


def tasks_of(choice: Choice | Gate) -> set[str]:
    return set(choice.tasks) if isinstance(choice, Gate) else {task for task, _ in choice}


def typed(rows: TaskRows, row: int) -> Query:
    return replace(rows.queries[row], hint=None)


@pytest.mark.parametrize(
    ("setting", "away"), [("seen", set()), ("unseen", {"rte"}), ("unseen_family", set(FAMILIES["inference"]))]
)
def test_no_strategy_uses_an_adapter_that_is_taken_away(composer, rte: TaskRows, work: Path, setting: str, away: set):
    made = choices(composer, rte, setting, work)
    assert made.withheld == away
    for row in range(len(rte.ids)):
        used = {name: tasks_of(made.choice(name, row)) for name in CHOOSING}
        assert {name for name, tasks in used.items() if tasks & away} == set()
        assert used["soup"] == set(composer.bank.tasks) - away


@pytest.mark.parametrize("setting", ["unseen", "unseen_family"])
def test_other_examples_take_the_place_of_those_that_are_taken_away(composer, rte: TaskRows, work: Path, setting: str):
    """All that are left are neighbours, as many as were asked for: their weights sum to 1 without the row's task."""
    made = choices(composer, rte, setting, work, top_k=20, top_p=1.0)
    for row in range(len(rte.ids)):
        vector = composer.encoder.encode([typed(rte, row).retrieval_text])[0]
        found = composer.index.search(vector, 1_000, "inverse")
        left = [one for one in found if one.task not in made.withheld][:20]
        assert len(left) == 20
        assert made.weights(row) == route(left, top_p=1.0, kernel="inverse")
        assert made.nearest(row) == pytest.approx(1 - left[0].distance)


@pytest.mark.parametrize("setting", THINNED)
def test_a_thinned_index_is_what_retrieval_and_every_strategy_sees(composer, rte: TaskRows, work: Path, setting: str):
    whole = composer.index.vectors()
    left = whole.thinned(SETTINGS[setting].share)
    assert left.tasks == whole.tasks
    assert all(1 <= len(rows) < len(whole.by_task[task]) for task, rows in left.by_task.items())
    made = choices(composer, rte, setting, work)
    vector = composer.encoder.encode([typed(rte, 0).retrieval_text])[0]
    assert made.weights(0).kept == route(left.nearest(vector, 100, "inverse"), top_p=0.9, kernel="inverse").kept
    evidence = replace(composer.evidence(rte.queries[0], (), made.weights(0)), embed=lambda: vector)
    for name in ("lorauter", "loraretriever_mixture", "smear"):
        assert made.choice(name, 0) == STRATEGIES[name].choose(replace(evidence, examples=lambda: left))


def test_columns_tell_settings_apart_and_base_and_own_are_asked_once(rte: TaskRows):
    plan = Plan.of((rte,), ("base", "own", "soup", "cat"), ("typed",), "test", ("unseen", "seen"))
    names = ["base", "own", "soup", "cat, typed", "soup, unseen", "cat, typed, unseen"]
    assert [column.name for column in plan.columns] == names


@pytest.mark.parametrize(
    ("settings", "words"),
    [(("unsen",), "unknown setting 'unsen'. Did you mean 'unseen'"), ((), "no setting was chosen")],
)
def test_a_wrong_setting_is_refused_before_a_model_is_needed(rte: TaskRows, settings, words: str):
    with pytest.raises(SettingsError, match=words):
        Plan.of((rte,), None, ("typed",), "test", settings)


@pytest.fixture(scope="module")
def evaluation(composer: Composer, rte: TaskRows, work: Path) -> Evaluation:
    rows = (rte, *rows_of_bank(composer.bank, ("imdb",), 2))
    plan = Plan.of(rows, ("base", "own", "top1", "cat", "soup"), ("typed",), "test", ("seen", "unseen", "half"))
    return evaluate(composer, plan, composer.default_settings(), work)


def test_the_own_task_is_never_found_where_it_is_taken_away(evaluation: Evaluation):
    routed = dict(evaluation.tasks[0].routed)
    assert list(routed) == ["typed", "typed, unseen", "typed, half"]
    assert (routed["typed, unseen"].heaviest, routed["typed, unseen"].in_nucleus) == (0, 0)
    assert max(routed["typed, unseen"].nearest) <= max(routed["typed"].nearest)


def test_a_task_without_an_adapter_has_nothing_that_could_be_taken_away(evaluation: Evaluation):
    columns = [name for name, _ in evaluation.tasks[-1].cells]
    assert columns == [
        "base",
        "soup",
        "top1, typed",
        "cat, typed",
        "soup, half",
        "top1, typed, half",
        "cat, typed, half",
    ]


def test_where_all_is_taken_away_a_task_without_an_adapter_still_has_the_base(composer: Composer, tmp_path: Path):
    rows = rows_of_bank(composer.bank, ("imdb",), 2)
    settings = composer.default_settings()
    plan = Plan.of(rows, ("base", "cat"), ("typed",), "test", ("unseen",))
    found = evaluate(composer, plan, settings, tmp_path)
    assert [name for name, _ in found.tasks[0].cells] == ["base"]
    found = evaluate(composer, Plan.of(rows, ("cat",), ("typed",), "test", ("unseen",)), settings, tmp_path)
    assert (found.tasks[0].cells, found.normalizations) == ((), ())


def test_a_bank_of_one_family_has_nothing_left_without_it(composer: Composer, rte, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(type(composer.index), "search", lambda *_: ())
    with pytest.raises(SettingsError, match="in the setting 'unseen_family' no example is left for rte"):
        choices(composer, rte, "unseen_family", tmp_path)


def test_weights_that_were_tried_on_rows_are_not_kept_for_another_model(composer: Composer, rte, work: Path, tmp_path):
    tried: list[object] = []
    strategy = STRATEGIES["lorahub"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STRATEGIES, "lorahub", replace(strategy, choose=lambda _: tried.append(0) or (("cb", -0.5),)))
        for template in (None, None, "{prompt}"):
            if template:
                patch.setattr(type(composer.bank), "prompt_template", template, raising=False)
                patch.setitem(composer.bank.__dict__, "prompt_template", template)
            assert choices(composer, rte, "seen", tmp_path).choice("lorahub", 0) == (("cb", -0.5),)
    assert len(tried) == 2


def test_vectors_are_thinned_before_tasks_are_taken_away():
    vectors = ExampleVectors({"cb": np.eye(4, dtype=np.float32), "rte": np.eye(4, dtype=np.float32)})
    assert vectors.thinned(0.5).without(frozenset({"cb"})).tasks == ("rte",)
