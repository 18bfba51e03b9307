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

from composer.config import DEFAULT_METHODS, NORMALIZATIONS, MergeSettings, ScoreSettings, Settings
from composer.errors import BankError, MergeError, SettingsError
from composer.evaluation.answers import Answerer, Slot
from composer.evaluation.choices import Choices
from composer.evaluation.error_types import types_of
from composer.evaluation.grid import Plan, evaluate
from composer.evaluation.results import Cell, Evaluation, TaskResult
from composer.evaluation.results_file import evaluation_to_json
from composer.evaluation.rows import TaskRows, rows_of_bank
from composer.lineup import LINEUP
from composer.merging import METHODS
from composer.pipeline import Composer
from composer.routing import STRATEGIES, Choice, Evidence
from composer.scores import PMI, OptionSizes, best, normalized
from composer.tasks import TASKS
from composer.types import Prediction, Query

from .made import COPA, MADE, task

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


def of(evaluation: Evaluation, name: str) -> TaskResult:
    return next(result for result in evaluation.tasks if result.task == name)


def cells(evaluation: Evaluation, name: str) -> dict[str, Cell]:
    return dict(of(evaluation, name).cells)


def ways(queries: tuple[Query, ...], way: str) -> list[Query]:
    return [query if way == "hinted" else replace(query, hint=None) for query in queries]


def nobody(*_: object, **__: object) -> object:
    raise AssertionError("the encoder or the index was asked")


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
def test_the_methods_choose_what_explain_chooses(composer: Composer, copa: TaskRows, evaluation, way: str):
    for normalization in ("tokens", "sum", "bytes"):
        settings = replace(composer.default_settings(), score=ScoreSettings(normalization))
        traces = [composer.explain(query, settings) for query in ways(copa.queries, way)]
        for method in ("base", *DEFAULT_METHODS):
            found = cells(evaluation, "copa")[method if method == "base" else f"{method}, {way}"]
            chosen = [trace.prediction(method).chosen for trace in traces]
            right = sum(one == trace.query.gold for one, trace in zip(chosen, traces, strict=True))
            assert dict(found.correct)[normalization] == right
            if normalization == evaluation.settings.score.normalization:
                assert list(found.chosen) == chosen


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
    found = cells(evaluation, "copa")
    assert {name: dict(found[name].correct)["tokens"] for name in counts} == counts


def test_where_retrieval_leads_is_kept_for_each_way_of_asking(composer: Composer, copa: TaskRows, evaluation):
    settings = composer.default_settings()
    for way, found in of(evaluation, "copa").routed:
        neighbours = [composer.retrieve(query, settings) for query in ways(copa.queries, way)]
        weights = [composer.route(one, settings) for one in neighbours]
        assert found.heaviest == sum(one.heaviest == "copa" for one in weights)
        assert found.in_nucleus == sum("copa" in dict(one.kept) for one in weights)
        assert found.sizes == tuple(len(one.kept) for one in weights)
        assert found.nearest == pytest.approx([1 - one[0].distance for one in neighbours])
    assert [way for way, _ in of(evaluation, "copa").routed] == ["typed", "hinted"]


def test_each_row_keeps_the_error_types_of_its_question(copa: TaskRows, evaluation: Evaluation):
    found = of(evaluation, "copa").types
    for row, query in enumerate(copa.queries):
        assert tuple(kind for kind, rows in found if rows[row]) == types_of(query, "copa")


def test_a_held_out_task_has_no_own_adapter_and_no_retrieval_of_its_own(evaluation: Evaluation):
    imdb = evaluation.tasks[-1]
    assert (imdb.task, imdb.held_out, imdb.routed) == ("imdb", True, ())
    assert [name for name, _ in imdb.cells] == [name for name in evaluation.columns if name != "own"]


def test_guessing_the_commonest_place_is_what_a_candidate_has_to_beat(composer: Composer, tmp_path: Path):
    (yelp,) = rows_of_bank(composer.bank, ("sst2",), None)
    golds = [int(query.gold or 0) for query in yelp.queries]
    plan = Plan.of((yelp,), ("base",), ("typed",))
    (result,) = evaluate(composer, plan, composer.default_settings(), tmp_path).tasks
    assert result.majority == max(golds.count(0), golds.count(1))
    assert result.n == len(golds)


def test_pmi_is_counted_only_where_it_is_asked_for(composer: Composer, copa: TaskRows, tmp_path: Path):
    plan, settings = Plan.of((copa,), ("base", "ties"), ("typed",)), composer.default_settings()
    without = evaluate(composer, plan, settings, tmp_path)
    assert without.normalizations == tuple(name for name in NORMALIZATIONS if name != PMI)
    found = evaluate(composer, plan, settings, tmp_path, unconditional=True)
    assert found.normalizations == tuple(NORMALIZATIONS)
    right = 0
    for query in copa.queries:
        (answer,) = composer.score(query, [], settings, unconditional=True)
        assert isinstance(answer, Prediction)
        sizes = OptionSizes.of(query.options, composer.option_tokens(query))
        right += best(normalized(PMI, answer.log_probabilities, sizes, answer.unconditional)) == query.gold
    assert dict(cells(found, "copa")["base"].correct)[PMI] == right
    asked = evaluate(composer, plan, replace(settings, score=ScoreSettings(PMI)), tmp_path)
    assert asked.normalizations == tuple(NORMALIZATIONS)


def test_harness_counts_by_the_tasks_own_metric(composer: Composer, tmp_path: Path):
    """piqa is chosen per character, sst2 by the plain sum."""
    (piqa,), (sst2,) = (rows_of_bank(composer.bank, (name,), None) for name in ("piqa", "sst2"))
    assert (TASKS["piqa"].harness, TASKS["sst2"].harness) == ("acc_norm", "acc")
    plan = Plan.of((piqa, sst2), ("base", "own"), ("typed",))
    settings = composer.default_settings()
    found = evaluate(composer, plan, settings, tmp_path)
    for rows, rule in ((piqa, "characters"), (sst2, "sum")):
        right = 0
        for query in rows.queries:
            (answer,) = composer.score(query, [], settings)
            assert isinstance(answer, Prediction)
            sizes = OptionSizes.of(query.options, composer.option_tokens(query))
            right += best(normalized(rule, answer.log_probabilities, sizes)) == query.gold
        assert dict(cells(found, rows.task)["base"].correct)["harness"] == right


def test_means_weigh_tasks_alike_and_leave_held_out_tasks_apart():
    tasks = (
        task("a", "01", {"base": "00", "own": "01"}),
        task("b", "0" * 8, {"base": "1" * 8, "own": "00001111"}),
        task("imdb", "0101", {"base": "0111"}, held_out=True),
    )
    evaluation = replace(MADE, columns=("base", "own"), tasks=tasks)
    assert evaluation.means("tokens") == (("base", 0.25), ("own", 0.75))
    assert evaluation.means("tokens", held_out=True) == (("base", 0.75),)
    assert evaluation.means("sum") == (("base", 0.0), ("own", 0.0))


def test_a_column_that_a_task_lacks_has_no_mean():
    evaluation = replace(MADE, tasks=(COPA, task("b", "01", {"base": "00"})))
    assert evaluation.complete() == ("base",)
    assert [one.task for one in evaluation.having("own")] == ["copa"]


def test_a_method_that_fails_counts_as_wrong_and_leaves_the_others(composer: Composer, copa, tmp_path, monkeypatch):
    def raising(*_: object):
        raise MergeError("it broke. Mend it.")

    monkeypatch.setitem(METHODS, "ties", replace(METHODS["ties"], merge=raising))
    settings = Settings(merge=MergeSettings(density=0.55))  # asked of nobody before: no merge is at hand
    plan = Plan.of((copa,), ("base", "ties", "cat"), ("typed",))
    found = cells(evaluate(composer, plan, settings, tmp_path), "copa")
    assert found["ties, typed"].chosen == (None, None)
    assert set(dict(found["ties, typed"].correct).values()) == {0}
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


class Scored:
    """Counts the slots of every call of `Composer.score`."""

    def __init__(self) -> None:
        self.slots: list[int] = []
        self._patch = pytest.MonkeyPatch()

    def __enter__(self) -> list[int]:
        score = Composer.score

        def counted(composer: Composer, query, merged, *args, base_too=True, **rest):
            self.slots.append(len(merged) + base_too)
            return score(composer, query, merged, *args, base_too=base_too, **rest)

        self._patch.setattr(Composer, "score", counted)
        return self.slots

    def __exit__(self, *_: object) -> None:
        self._patch.undo()


def test_candidates_that_come_to_the_same_are_scored_once(composer: Composer, copa: TaskRows, tmp_path: Path):
    own = (("copa", 1.0),)
    slots = [Slot(None, ()), Slot("cat", own), Slot("cat", own), Slot("cat", own), Slot(None, ())]
    answerer = Answerer(composer, copa, composer.default_settings(), tmp_path)
    with Scored() as scored:
        answers = answerer.answer(copa.keys[0], copa.queries[0], slots)
    assert scored == [2]
    assert answers.sums[0] == answers.sums[4] != answers.sums[1]
    assert answers.sums[1] == answers.sums[2] == answers.sums[3]
    assert answers.alone == (None,) * 5
    assert len(answers.sizes.tokens) == len(copa.queries[0].options)


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
    plan = Plan.of((one,), list(LINEUP), ("typed",))
    found = cells(evaluate(composer, plan, composer.default_settings(), tmp_path), "copa")
    assert {name.split(",")[0] for name in found} == set(LINEUP)
    assert all(one.failed == 0 for one in found.values())


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


def test_what_was_found_is_not_computed_again(composer: Composer, rows, work: Path, evaluation, monkeypatch):
    """Neither by the model, nor by the encoder, nor by the index."""
    for part, name in ((composer.encoder, "encode"), (composer.index, "search"), (composer.index, "vectors")):
        monkeypatch.setattr(type(part), name, nobody)
    plan, fewer = Plan.of(rows, None, ("typed", "hinted")), Plan.of(rows, ("base", "ties"), ("typed",))
    with Passes(composer) as passes:
        again = evaluate(composer, plan, composer.default_settings(), work)
        some = evaluate(composer, fewer, composer.default_settings(), work)
    assert passes.count == 0
    assert again == evaluation
    for name in ("copa", "cb", "imdb"):
        found = cells(some, name)
        assert found == {column: cells(evaluation, name)[column] for column in found}


def test_another_candidate_adds_only_itself(composer: Composer, copa: TaskRows, rows, work: Path, evaluation):
    """The base and its merges of before are taken from the file: one new slot a row."""
    plan = Plan.of((copa,), ("base", "ties", "svd"), ("typed",))
    with Scored() as scored:
        evaluate(composer, plan, composer.default_settings(), work)
    assert scored == [1, 1]


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


def test_questions_are_embedded_in_one_batch_and_choices_are_kept(composer: Composer, copa, tmp_path, monkeypatch):
    batches, encode = [], composer.encoder.encode
    monkeypatch.setattr(composer.encoder, "encode", lambda texts: batches.append(list(texts)) or encode(texts))
    settings = composer.default_settings()

    def made(asked: str) -> Choices:
        return Choices(composer, copa, asked, "seen", settings.retrieval, tmp_path, index_id="i")

    first = {asked: made(asked) for asked in ("hinted", "typed")}
    names = [name for name in STRATEGIES if name != "lorahub"]
    chosen = [[one.choice(name, row) for name in names] for one in first.values() for row in (0, 1)]
    assert batches == [[query.retrieval_text for query in ways(copa.queries, way)] for way in first]
    monkeypatch.setattr(type(composer.index), "search", nobody)
    monkeypatch.setattr(type(composer.index), "vectors", nobody)
    again = {asked: made(asked) for asked in first}
    assert [[one.choice(name, row) for name in names] for one in again.values() for row in (0, 1)] == chosen
    assert len(batches) == 2
    for asked, one in again.items():
        assert [one.weights(row) for row in (0, 1)] == [first[asked].weights(row) for row in (0, 1)]


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
