"""Every candidate on the same rows: counted right, computed once, and gone on with after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from composer.config import DEFAULT_METHODS, MergeSettings, ScoreSettings, Settings
from composer.errors import BankError, MergeError, SettingsError
from composer.evaluation.answers import Answerer, RowAnswers, Slot
from composer.evaluation.grid import NORMALIZATIONS, Evaluation, Plan, RetrievalTally, chosen, evaluate
from composer.evaluation.report import evaluation_to_json
from composer.evaluation.routes import routes
from composer.evaluation.rows import TaskRows, rows_of_bank
from composer.lineup import LINEUP, candidate_named
from composer.merging import METHODS
from composer.pipeline import Composer
from composer.routing import STRATEGIES, Choice, Evidence
from composer.types import Prediction, TaskWeights

from .made import MADE, tally

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def rows(composer: Composer) -> tuple[TaskRows, ...]:
    return rows_of_bank(composer.bank, ("copa", "cb", "imdb"), 2)


@pytest.fixture(scope="module")
def copa(rows: tuple[TaskRows, ...]) -> TaskRows:
    return next(one for one in rows if one.task == "copa")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def evaluation(composer: Composer, rows: tuple[TaskRows, ...], work: Path) -> Evaluation:
    return evaluate(composer, Plan.of(rows, None, ("typed", "hinted")), composer.default_settings(), work)


def tallies(evaluation: Evaluation, task: str) -> dict:
    return dict(next(result for result in evaluation.tasks if result.task == task).tallies)


class Passes:
    """Counts the base model's forward passes."""

    def __init__(self, composer: Composer) -> None:
        self.count = 0
        self._hook = composer.base.model.register_forward_pre_hook(lambda *_: self._add())

    def _add(self) -> None:
        self.count += 1

    def __enter__(self) -> Passes:
        return self

    def __exit__(self, *_: object) -> None:
        self._hook.remove()


# What is planned


def test_candidates_that_look_at_the_question_have_a_column_for_each_way_of_asking(rows: tuple[TaskRows, ...]):
    plan = Plan.of(rows, ("cat", "own", "base", "top1"), ("hinted", "typed"))
    names = ["base", "own", "top1, typed", "cat, typed", "top1, hinted", "cat, hinted"]
    assert [column.name for column in plan.columns] == names
    assert plan.total == 6


def test_by_default_base_own_references_and_the_papers_methods_are_asked(rows: tuple[TaskRows, ...]):
    names = [column.candidate.name for column in Plan.of(rows, None, ("typed",)).columns]
    assert names == ["base", "own", "top1", "uniform", *DEFAULT_METHODS]


@pytest.mark.parametrize(
    ("candidates", "asked", "words"),
    [
        (("tie",), ("typed",), "unknown candidate 'tie'. Did you mean 'ties'"),
        ((), ("typed",), "no candidate was chosen"),
        (("base",), ("type",), "unknown way of asking 'type'. Did you mean 'typed'"),
        (("base",), (), "no way of asking was chosen. Choose at least one of typed, hinted"),
    ],
)
def test_a_wrong_choice_is_refused_before_a_model_is_needed(rows, candidates, asked, words: str):
    with pytest.raises(SettingsError, match=words):
        Plan.of(rows, candidates, asked)


# What is counted


@pytest.mark.parametrize("way", ["typed", "hinted"])
def test_the_methods_are_right_as_often_as_explain_is(composer: Composer, copa: TaskRows, evaluation, way: str):
    asked = [query if way == "hinted" else replace(query, hint=None) for query in copa.queries]
    for normalization in NORMALIZATIONS:
        settings = replace(composer.default_settings(), score=ScoreSettings(normalization))
        traces = [composer.explain(query, settings) for query in asked]
        for method in ("base", *DEFAULT_METHODS):
            name = method if method == "base" else f"{method}, {way}"
            right = sum(trace.prediction(method).chosen == trace.query.gold for trace in traces)
            assert dict(tallies(evaluation, "copa")[name].correct)[normalization] == right


def test_the_references_are_right_as_often_as_their_adapters_are(composer: Composer, copa: TaskRows, evaluation):
    settings = composer.default_settings()
    counts = dict.fromkeys(("own", "top1, hinted", "uniform, hinted"), 0)
    for query in copa.queries:
        weights = composer.route(composer.retrieve(query, settings), settings)
        share = 1 / len(weights.kept)
        for name, choice, method in (
            ("own", (("copa", 1.0),), "cat"),
            ("top1, hinted", ((weights.heaviest, 1.0),), "cat"),
            ("uniform, hinted", tuple((task, share) for task, _ in weights.kept), "linear"),
        ):
            answer = composer.score(query, [composer.merge(choice, settings, method)], settings)[1]
            assert isinstance(answer, Prediction)
            counts[name] += answer.chosen == query.gold
    found = tallies(evaluation, "copa")
    assert {name: dict(found[name].correct)["tokens"] for name in counts} == counts


def test_retrieval_is_counted_for_each_way_of_asking(composer: Composer, copa: TaskRows, evaluation: Evaluation):
    settings = composer.default_settings()
    result = next(result for result in evaluation.tasks if result.task == "copa")
    for way, found in result.retrieval:
        asked = [query if way == "hinted" else replace(query, hint=None) for query in copa.queries]
        weights = [composer.route(composer.retrieve(query, settings), settings) for query in asked]
        heaviest = sum(one.heaviest == "copa" for one in weights)
        assert found == RetrievalTally(heaviest, sum("copa" in dict(one.kept) for one in weights), len(asked))
    assert [way for way, _ in result.retrieval] == ["typed", "hinted"]


def test_a_held_out_task_has_no_own_adapter_and_no_retrieval_of_its_own(evaluation: Evaluation):
    imdb = evaluation.tasks[-1]
    assert (imdb.task, imdb.held_out, imdb.retrieval) == ("imdb", True, ())
    assert [name for name, _ in imdb.tallies] == [name for name in evaluation.columns if name != "own"]


def test_guessing_the_commonest_place_is_what_a_candidate_has_to_beat(composer: Composer, tmp_path: Path):
    (yelp,) = rows_of_bank(composer.bank, ("sst2",), None)
    golds = [int(query.gold or 0) for query in yelp.queries]
    plan = Plan.of((yelp,), ("base",), ("typed",))
    (result,) = evaluate(composer, plan, composer.default_settings(), tmp_path).tasks
    assert result.majority == max(golds.count(0), golds.count(1))
    assert result.n == len(golds)


def test_each_normalization_chooses_by_its_own_measure():
    answers = RowAnswers((), tokens=(1, 4), bytes=(2, 5))
    sums = (-2.0, -6.0)
    assert [chosen(sums, answers, how) for how in ("sum", "tokens", "bytes")] == [0, 1, 0]
    assert chosen((-3.0, -3.0), RowAnswers((), (1, 1), (1, 1)), "sum") == 0


def test_means_weigh_tasks_alike_and_leave_held_out_tasks_apart():
    found = (("typed", RetrievalTally(1, 1, 1)),)
    tasks = (
        replace(MADE.tasks[0], task="a", n=2, tallies=(("base", tally(1, 2)), ("own", tally(2, 2))), retrieval=found),
        replace(MADE.tasks[0], task="b", n=8, tallies=(("base", tally(0, 8)), ("own", tally(4, 8))), retrieval=found),
        replace(MADE.tasks[1], tallies=(("base", tally(3, 4)),)),
    )
    evaluation = replace(MADE, columns=("base", "own"), tasks=tasks)
    assert evaluation.means("tokens") == (("base", 0.25), ("own", 0.75))
    assert evaluation.means("tokens", held_out=True) == (("base", 0.75),)
    assert evaluation.means("sum") == (("base", 0.0), ("own", 0.0))


def test_a_method_that_fails_counts_as_wrong_and_leaves_the_others(composer: Composer, copa, tmp_path, monkeypatch):
    def raising(*_: object):
        raise MergeError("it broke. Mend it.")

    monkeypatch.setitem(METHODS, "ties", replace(METHODS["ties"], merge=raising))
    settings = Settings(merge=MergeSettings(density=0.55))  # asked of nobody before: no merge is at hand
    plan = Plan.of((copa,), ("base", "ties", "cat"), ("typed",))
    found = tallies(evaluate(composer, plan, settings, tmp_path), "copa")
    assert found["ties, typed"] == tally(0, 2, failed=2)
    assert (found["base"].failed, found["cat, typed"].failed) == (0, 0)


def test_a_damaged_bank_is_no_candidates_fault(composer: Composer, copa, tmp_path, monkeypatch):
    def lost(self, task):
        raise BankError(f"the adapter {task} is gone. Restore it.")

    monkeypatch.setattr(type(composer.adapters), "get", lost)
    with pytest.raises(BankError, match="is gone"):
        evaluate(composer, Plan.of((copa,), ("cat",), ("typed",)), composer.default_settings(), tmp_path)


# What is computed


def test_the_slots_of_a_row_go_through_the_model_together_and_progress_reaches_the_end(composer, copa, tmp_path):
    steps: list[tuple[int, int]] = []
    plan = Plan.of((copa,), ("base", "own", "top1", *DEFAULT_METHODS), ("typed",))
    with Passes(composer) as passes:
        evaluate(composer, plan, composer.default_settings(), tmp_path, progress=lambda *step: steps.append(step))
    assert passes.count == 2
    assert steps == [(1, 2), (2, 2)]


def test_candidates_that_come_to_the_same_are_scored_once(composer: Composer, copa: TaskRows, tmp_path: Path):
    weights = TaskWeights((("copa", 1.0),), (), 0.9, "inverse")
    evidence = composer.evidence(copa.queries[0], (), weights, own="copa")
    slots = [Slot.of(candidate_named(name), evidence) for name in ("base", "own", "top1", "cat", "base")]
    assert len(set(slots)) == 2
    answerer = Answerer(composer, copa, composer.default_settings(), tmp_path)
    scored: list[int] = []
    score = Composer.score

    def counted(self, query, merged, *args, base_too=True):
        scored.append(len(merged) + base_too)
        return score(self, query, merged, *args, base_too=base_too)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Composer, "score", counted)
        answers = answerer.answer(copa.ids[0], copa.queries[0], slots)
    assert scored == [2]
    assert answers.sums[0] == answers.sums[4] != answers.sums[1]
    assert answers.sums[1] == answers.sums[2] == answers.sums[3]
    assert len(answers.tokens) == len(answers.bytes) == len(copa.queries[0].options)


def test_slots_are_told_apart_by_what_is_merged_and_not_by_its_name(composer: Composer):
    settings = MergeSettings()
    one, other = (("copa", 0.5), ("cb", 0.5)), (("copa", 0.4), ("cb", 0.6))
    keys = {
        Slot("cat", one).key(composer, settings),
        Slot("cat", other).key(composer, settings),
        Slot("cat", one[::-1]).key(composer, settings),
        Slot("ties", one).key(composer, settings),
        Slot("ties", one).key(composer, MergeSettings(density=0.5)),
    }
    assert len(keys) == 5
    assert Slot(None, ()).key(composer, settings) == "base"


def test_every_candidate_of_the_line_up_can_be_evaluated(composer: Composer, copa: TaskRows, tmp_path: Path):
    one = replace(copa, ids=copa.ids[:1], queries=copa.queries[:1])
    names = [name for name, candidate in LINEUP.items() if not candidate.needs_rows]
    plan = Plan.of((one,), names, ("typed",))
    found = tallies(evaluate(composer, plan, composer.default_settings(), tmp_path), "copa")
    blind = [name for name in names if STRATEGIES[LINEUP[name].strategy].blind]
    assert [name.split(",")[0] for name in found] == [*blind, *(name for name in names if name not in blind)]
    assert all(one.failed == 0 for one in found.values())


def test_a_candidate_that_needs_labelled_rows_is_refused(copa: TaskRows):
    with pytest.raises(SettingsError, match="lorahub needs labelled rows"):
        Plan.of((copa,), ("base", "lorahub"), ("typed",))


def test_a_question_that_is_asked_as_typed_is_embedded_without_its_hint(
    composer: Composer, copa, tmp_path, monkeypatch
):
    asked: list[str | None] = []
    choose = STRATEGIES["router_top1"].choose

    def noting(evidence: Evidence) -> Choice:
        asked.append(evidence.query.hint)
        return choose(evidence)

    monkeypatch.setitem(STRATEGIES, "router_top1", replace(STRATEGIES["router_top1"], choose=noting))
    one = replace(copa, ids=copa.ids[:1], queries=copa.queries[:1])
    evaluate(composer, Plan.of((one,), ("router_top1",), ("typed", "hinted")), composer.default_settings(), tmp_path)
    assert asked == [None, one.queries[0].hint]
    assert asked[1]


def test_what_was_found_is_not_computed_again(composer: Composer, rows, work: Path, evaluation: Evaluation):
    def nobody() -> object:
        raise AssertionError("a question was embedded")

    plan = Plan.of(rows, None, ("typed", "hinted"))
    with Passes(composer) as passes:
        again = evaluate(composer, plan, composer.default_settings(), work, search=nobody)
        fewer = evaluate(composer, Plan.of(rows, ("base", "ties"), ("typed",)), composer.default_settings(), work)
    assert passes.count == 0
    assert again == evaluation
    for task in ("copa", "cb", "imdb"):
        found = tallies(fewer, task)
        assert found == {name: tallies(evaluation, task)[name] for name in found}


def test_another_candidate_adds_only_itself(composer: Composer, copa: TaskRows, rows, work: Path, evaluation):
    """The base and its merges of before are taken from the file: one new slot a row."""
    slots: list[int] = []
    score = Composer.score

    def counted(self, query, merged, *args, base_too=True):
        slots.append(len(merged) + base_too)
        return score(self, query, merged, *args, base_too=base_too)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Composer, "score", counted)
        plan = Plan.of((copa,), ("base", "ties", "svd"), ("typed",))
        evaluate(composer, plan, composer.default_settings(), work)
    assert slots == [1, 1]


def test_other_rows_settings_or_weights_are_other_answers(composer: Composer, copa: TaskRows, tmp_path: Path):
    plan, settings = Plan.of((copa,), ("ties",), ("typed",)), composer.default_settings()
    with Passes(composer) as passes:
        evaluate(composer, plan, settings, tmp_path)
        evaluate(composer, plan, replace(settings, merge=MergeSettings(density=0.3)), tmp_path)
        assert passes.count == 4
        evaluate(composer, plan, replace(settings, score=ScoreSettings("sum")), tmp_path)
        assert passes.count == 4  # how they are normalized changes no log-probability
        backwards = replace(copa, ids=copa.ids[::-1], queries=copa.queries[::-1])
        evaluate(composer, Plan.of((backwards,), ("ties",), ("typed",)), settings, tmp_path)
        assert passes.count == 4  # the same rows in another order
        first, *others = copa.queries
        changed = replace(copa, queries=(replace(first, text=first.text + " Really?"), *others))
        evaluate(composer, Plan.of((changed,), ("ties",), ("typed",)), settings, tmp_path)
        assert passes.count == 5


def test_questions_are_embedded_in_one_batch_and_routes_are_kept(composer: Composer, copa, tmp_path, monkeypatch):
    batches, encode = [], composer.encoder.encode
    monkeypatch.setattr(composer.encoder, "encode", lambda texts: batches.append(list(texts)) or encode(texts))
    settings = composer.default_settings()

    def route(asked: str) -> tuple[TaskWeights, ...]:
        return routes(copa, asked, settings.retrieval, "i", lambda: (composer.encoder, composer.index), tmp_path)

    first = [route(asked) for asked in ("hinted", "typed")]
    assert batches == [
        [query.retrieval_text for query in copa.queries],
        [replace(query, hint=None).retrieval_text for query in copa.queries],
    ]
    assert [route(asked) for asked in ("hinted", "typed")] == first
    assert len(batches) == 2
    assert first[0] == tuple(composer.route(composer.retrieve(query, settings), settings) for query in copa.queries)


KILLED = """
import os, signal, sys, torch
torch.cpu._is_avx512_bf16_supported = lambda: False  # as in the tests' own process
from composer.evaluation import answers
from composer.cli import main

class Dies(answers.Saved):
    lines = 0

    def add(self, key, values):
        Dies.lines += 1
        if Dies.lines == 3:
            with self.path.open("a") as file:
                file.write('{"row": "' + key + '", "values": {"base": [-1.')
            os.kill(os.getpid(), signal.SIGKILL)
        super().add(key, values)

answers.Saved = Dies
sys.exit(main(sys.argv[1:]))
"""


def test_a_command_that_was_killed_in_a_line_goes_on_to_the_same_figures(composer: Composer, cli, tmp_path: Path):
    command = ["evaluate", "--bank", str(composer.bank.folder), "--tasks", "copa,cb", "--candidates", "base,cat,ties"]
    place = tmp_path / "cache"
    environment = {**os.environ, "COMPOSER_CACHE": str(place), "OMP_NUM_THREADS": "1"}
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *command], cwd=ROOT, env=environment, capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    left = place / "evaluation" / composer.bank.name
    kept = {path.name: path.read_bytes() for path in left.glob("answers-*.jsonl")}
    assert sum(content.count(b"\n") for content in kept.values()) == 2
    assert any(content.endswith(b"[-1.") for content in kept.values())

    plan = Plan.of(rows_of_bank(composer.bank, ("copa", "cb"), None), ("base", "cat", "ties"), ("typed",))
    settings = composer.default_settings()
    with Passes(composer) as passes:
        resumed = evaluate(composer, plan, settings, left)
    assert passes.count == plan.total - 2
    assert evaluation_to_json(resumed) == evaluation_to_json(evaluate(composer, plan, settings, tmp_path / "whole"))
    for name, content in kept.items():
        assert (left / name).read_bytes().startswith(content)
    with Passes(composer) as passes:
        assert evaluate(composer, plan, settings, left) == resumed
    assert passes.count == 0


def test_the_command_asks_rows_of_a_folder_in_a_split_of_choice(composer: Composer, cli, folder_of_rows: Path):
    command = ("evaluate", "--source", folder_of_rows, "--split", "dev", "--candidates", "base,cat", "--json")
    ended = cli(*command)
    result = json.loads(ended.out)
    assert (result["split"], list(result["tasks"]), result["columns"]) == ("dev", ["copa"], ["base", "cat, typed"])
    assert "composer: left out copa/dev.jsonl, line 3: column 'question' is missing" in ended.err
