from __future__ import annotations

import math
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch

from composer import Query, RetrievalSettings, Settings, Trace
from composer.config import DEFAULT_METHODS, MergeSettings, ScoreSettings
from composer.errors import BankError, MergeError, SettingsError
from composer.lineup import REFERENCES
from composer.merging import METHODS
from composer.merging.cache import ByteCache
from composer.pipeline import Composer, index_folder
from composer.routing import route
from composer.scores import OptionSizes, normalized
from composer.tasks import TASKS
from composer.types import Failure, Prediction

FOUR = DEFAULT_METHODS
TENNIS = Query("Where can I buy a tennis ball?", ("a sports store", "a bakery", "a bank"))


def without_times(trace: Trace) -> Trace:
    """The rest must be equal bit by bit."""
    predictions = tuple(replace(prediction, milliseconds=0.0) for prediction in trace.predictions)
    return replace(trace, timings_ms=(), predictions=predictions)


def settings(top_p: float = 0.9, kernel: str = "inverse", methods: Iterable[str] = FOUR, **merge) -> Settings:
    return Settings(RetrievalSettings(100, top_p, kernel), MergeSettings(**merge), methods=tuple(methods))


def raising(*_: object):
    raise MergeError("the votes are lost. Vote again.")


def not_finite(members, _settings):
    """A merge whose update is not a number."""
    first = members[0]
    return torch.full_like(first.a, math.nan), first.b


def test_a_trace_holds_the_base_and_every_method_over_the_nucleus(composer: Composer):
    trace = composer.explain(TENNIS)
    assert [prediction.method for prediction in trace.predictions] == ["base", *FOUR]
    assert [contribution.method for contribution in trace.contributions] == list(FOUR)
    assert math.isclose(sum(weight for _, weight in trace.weights.kept), 1.0)
    assert len(trace.neighbours) == composer.bank.retrieval.top_k
    assert (trace.bank, trace.query, trace.failures) == ("tiny", TENNIS, ())
    assert [stage for stage, _ in trace.timings_ms] == ["retrieve", "route", "merge", "score", "explain"]
    for prediction in trace.predictions:
        assert math.isclose(sum(prediction.probabilities), 1.0)
        assert prediction.scores[prediction.chosen] == max(prediction.scores)


def test_every_method_of_the_registry_answers_where_it_is_asked_for(composer: Composer):
    trace = composer.explain(TENNIS, settings(methods=METHODS))
    assert [prediction.method for prediction in trace.predictions] == ["base", *METHODS]
    assert [contribution.method for contribution in trace.contributions] == list(METHODS)
    assert trace.failures == ()


def test_a_run_grows_from_what_was_found_to_the_answers_to_the_references(composer: Composer):
    found, answered, referred = composer.run(TENNIS)
    assert (found.predictions, found.contributions, found.references) == ((), (), ())
    assert len(found.neighbours) == 100 and found.weights.kept
    assert [stage for stage, _ in found.timings_ms] == ["retrieve", "route"]
    assert without_times(answered) == without_times(composer.explain(TENNIS))
    assert without_times(replace(referred, references=())) == without_times(answered)
    assert [reference.method for reference in referred.references] == list(REFERENCES)
    assert [stage for stage, _ in referred.timings_ms][-1] == "references"


def test_the_references_answer_as_their_adapters_do(composer: Composer):
    *_, last = composer.run(TENNIS)
    chosen = composer.default_settings()
    share = 1 / len(last.weights.kept)
    uniform = composer.merge(tuple((task, share) for task, _ in last.weights.kept), chosen, "linear")
    for name, merged in (
        ("top1", composer.merge(((last.weights.heaviest, 1.0),), chosen, "cat")),
        ("uniform", uniform),
    ):
        (answer,) = composer.score(TENNIS, [merged], chosen, base_too=False)
        assert isinstance(answer, Prediction)
        (reference,) = (one for one in last.references if one.method == name)
        assert reference.scores == pytest.approx(answer.scores, abs=1e-4)


def test_methods_one_after_another_answer_as_all_at_once(composer: Composer):
    growing = list(composer.run(TENNIS, settings(), apart=True, references=()))
    assert [len(trace.predictions) for trace in growing] == [0, 2, 3, 4, 5]
    assert [len(trace.contributions) for trace in growing] == [0, 1, 2, 3, 4]
    joint = composer.explain(TENNIS, settings())
    apart = growing[-1]
    assert [p.method for p in apart.predictions] == [p.method for p in joint.predictions]
    for one, other in zip(apart.predictions, joint.predictions, strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-4)
        assert one.chosen == other.chosen
    for one, other in zip(apart.contributions, joint.contributions, strict=True):
        assert one.method == other.method
        assert dict(one.effective) == pytest.approx(dict(other.effective), abs=1e-6)
    assert (apart.weights, apart.failures) == (joint.weights, ())


def test_a_run_stops_where_its_reader_stops(composer: Composer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Composer, "merge", lambda *_: pytest.fail("an adapter was merged"))
    run = composer.run(TENNIS)
    assert next(run).neighbours
    run.close()


def test_a_method_that_breaks_is_rescued_where_someone_makes_words_of_it(composer: Composer, monkeypatch):
    def broken(*_: object):
        raise ZeroDivisionError("who foresaw this?")

    monkeypatch.setitem(METHODS, "cat", replace(METHODS["cat"], merge=broken))
    chosen = settings(density=0.61)  # asked of nobody before: no merge is at hand
    with pytest.raises(ZeroDivisionError):
        composer.explain(TENNIS, chosen)
    rescued: list[tuple[str, str]] = []

    def rescue(name: str, error: Exception) -> Failure:
        rescued.append((name, repr(error)))
        return Failure(name, f"It broke: {error}")

    *_, last = composer.run(TENNIS, chosen, rescue=rescue)
    assert rescued == [(name, "ZeroDivisionError('who foresaw this?')") for name in ("cat", "top1")]
    assert [(f.method, f.message) for f in last.failures] == [("cat", "It broke: who foresaw this?")]
    assert [p.method for p in last.predictions] == ["base", "linear", "ties", "magnitude_prune"]
    assert [type(reference).__name__ for reference in last.references] == ["Prediction", "Failure"]


@pytest.mark.parametrize("apart", [False, True])
def test_where_every_method_fails_the_base_still_answers(composer: Composer, monkeypatch, apart: bool):
    for name in ("ties", "cat"):
        monkeypatch.setitem(METHODS, name, replace(METHODS[name], merge=raising))
    *_, last = composer.run(TENNIS, settings(methods=("ties", "cat"), density=0.62), apart=apart, references=())
    assert [p.method for p in last.predictions] == ["base"]
    assert [f.method for f in last.failures] == ["ties", "cat"]


def test_explain_is_its_stages_one_after_the_other(composer: Composer):
    chosen = settings(top_p=0.6)
    neighbours = composer.retrieve(TENNIS, chosen)
    weights = composer.route(neighbours, chosen)
    merged = [composer.merge(weights.kept, chosen, method) for method in FOUR]
    trace = without_times(composer.explain(TENNIS, chosen))
    assert trace.neighbours == neighbours
    assert trace.weights == weights == route(neighbours, top_p=0.6, kernel="inverse")
    assert trace.predictions == tuple(replace(p, milliseconds=0.0) for p in composer.score(TENNIS, merged, chosen))
    assert trace.contributions == composer.contributions(weights.kept, merged)


def test_eight_threads_with_other_questions_and_weights_equal_serial_answers_bit_by_bit(composer: Composer, queries):
    kinds = [
        replace(settings(top_p, kernel, density=density), score=ScoreSettings(how))
        for top_p, kernel, density, how in ((0.3, "exp", 0.5, "pmi"), (0.9, "inverse", 0.7, "harness"))
    ]
    asked = [(query, kinds[i % 2]) for i, query in enumerate(queries)]
    serial = [without_times(composer.explain(*one)) for one in asked]
    with ThreadPoolExecutor(8) as pool:
        threaded = [without_times(trace) for trace in pool.map(lambda one: composer.explain(*one), asked * 2)]
    assert threaded == serial * 2
    assert len({trace.weights.kept for trace in serial}) > 1


def test_changing_top_p_or_the_kernel_embeds_nothing_and_equals_a_new_search(composer: Composer):
    first = composer.explain(TENNIS, settings(methods=("cat",)))
    composer.encoder.encode([TENNIS.retrieval_text])
    before = composer.encoder.calls
    for change in (settings(0.2, methods=("cat",)), settings(1.0, "cosine", methods=("cat",))):
        again = composer.explain(TENNIS, change, neighbours=first.neighbours)
        assert composer.encoder.calls == before
        assert without_times(again) == without_times(composer.explain(TENNIS, change))
    assert again.weights != first.weights


def test_fewer_neighbours_are_taken_from_those_at_hand_and_more_are_searched_for(composer: Composer):
    few = replace(settings(methods=("cat",)), retrieval=RetrievalSettings(top_k=10))
    many = replace(few, retrieval=RetrievalSettings(top_k=40))
    ten = composer.retrieve(TENNIS, few)
    forty = composer.retrieve(TENNIS, many)
    assert composer.explain(TENNIS, few, neighbours=forty).neighbours == ten
    assert composer.explain(TENNIS, many, neighbours=ten).neighbours == forty


def test_the_same_question_is_embedded_once(composer: Composer):
    composer.retrieve(TENNIS, settings())
    before = composer.encoder.calls
    composer.retrieve(TENNIS, settings(top_p=0.5))
    assert composer.encoder.calls == before


def test_a_merge_asked_for_again_is_kept_and_equals_a_new_one(composer: Composer):
    choice, chosen = (("copa", 0.75), ("cb", 0.25)), settings()
    first = composer.merge(choice, chosen, "ties")
    assert composer.merge(choice, chosen, "ties") is first
    for other in (
        composer.merge(choice[::-1], chosen, "ties"),
        composer.merge(choice, settings(density=0.5), "ties"),
        composer.merge(choice, chosen, "linear"),
    ):
        assert other is not first
    forgetful = replace(composer, merges=ByteCache(0, lambda merged: 1))
    again = forgetful.merge(choice, chosen, "ties")
    assert again is not first
    for kept, new in zip(first.stacks, again.stacks, strict=True):
        assert torch.equal(kept.a, new.a) and torch.equal(kept.b, new.b)


def test_what_is_kept_of_adapters_is_bounded_by_the_setting(copied_bank, cache_dir):
    opened = Composer.open(copied_bank, cache_dir=cache_dir, device="cpu", adapter_bytes=1)
    try:
        trace = opened.explain(TENNIS, settings(top_p=1.0))
        assert len(trace.predictions) == len(FOUR) + 1
        assert (opened.adapters.kept, len(opened.trimmed), len(opened.merges)) == ((), 0, 0)
    finally:
        opened.close()


def test_a_method_that_fails_leaves_the_others(composer: Composer, monkeypatch: pytest.MonkeyPatch):
    whole = composer.explain(TENNIS)
    monkeypatch.setitem(METHODS, "ties", replace(METHODS["ties"], merge=raising))
    trace = composer.explain(TENNIS)
    assert [(failure.method, failure.message) for failure in trace.failures] == [
        ("ties", "the votes are lost. Vote again.")
    ]
    assert [p.method for p in trace.predictions] == ["base", *(name for name in FOUR if name != "ties")]
    for method in ("base", "linear", "cat", "magnitude_prune"):
        assert trace.prediction(method).scores == pytest.approx(whole.prediction(method).scores, abs=1e-4)


def test_a_merge_that_is_not_finite_is_a_failure_without_an_answer_or_contribution(composer: Composer, monkeypatch):
    monkeypatch.setitem(METHODS, "linear", replace(METHODS["linear"], merge=not_finite))
    trace = composer.explain(TENNIS)
    assert [failure.method for failure in trace.failures] == ["linear"]
    assert "linear" not in [contribution.method for contribution in trace.contributions]
    assert len(trace.predictions) == len(FOUR)


def test_a_damaged_bank_is_no_methods_fault(composer: Composer, monkeypatch: pytest.MonkeyPatch):
    def lost(self, task):
        raise BankError(f"the adapter {task} is gone. Restore it.")

    monkeypatch.setattr(type(composer.adapters), "get", lost)
    with pytest.raises(BankError, match="is gone"):
        composer.explain(TENNIS)


def test_one_task_alone_in_the_nucleus_is_said(composer: Composer):
    alone = composer.explain(TENNIS, settings(top_p=0.001))
    assert len(alone.weights.kept) == 1
    assert alone.weights.kept[0][1] == 1.0
    assert alone.notes == (
        f"Only {alone.weights.heaviest} is in the nucleus: every method applies that adapter, apart from pruning.",
    )
    assert alone.prediction("linear").scores == pytest.approx(alone.prediction("cat").scores, abs=1e-4)
    assert composer.explain(TENNIS, settings(top_p=1.0)).notes == ()
    (note,) = composer.explain(TENNIS, settings(top_p=0.001, methods=("cat", "core_iso"))).notes
    assert note.endswith("applies that adapter, apart from pruning and Core Iso's evening out.")


def test_harness_scores_as_the_heaviest_task_is_scored_and_says_so(composer: Composer, queries):
    chosen = replace(settings(), score=ScoreSettings("harness"))
    for query in queries:
        *_, trace = composer.run(query, chosen)
        task = trace.weights.heaviest
        metric = TASKS[task].harness
        assert any(f"scores {task}, the heaviest task: by {metric}," in note for note in trace.notes)
        for answer in (*trace.predictions, *trace.references):
            assert isinstance(answer, Prediction)
            divisors = [len(option) if metric == "acc_norm" else 1 for option in query.options]
            expected = [total / n for total, n in zip(answer.log_probabilities, divisors, strict=True)]
            assert answer.scores == pytest.approx(expected)


@pytest.mark.parametrize(("task", "rule"), [("hellaswag", "characters"), ("boolq", "sum"), (None, "sum")])
def test_a_known_task_says_what_harness_comes_to(composer: Composer, task: str | None, rule: str):
    chosen = replace(settings(), score=ScoreSettings("harness"))
    (base,) = composer.score(TENNIS, (), chosen, task=task)
    sizes = OptionSizes.of(TENNIS.options, composer.option_tokens(TENNIS))
    assert isinstance(base, Prediction)
    assert base.scores == normalized(rule, base.log_probabilities, sizes)


def test_pmi_is_kept_with_every_answer_and_leaves_the_log_probabilities(composer: Composer):
    *_, plain = composer.run(TENNIS, settings())
    *_, pmi = composer.run(TENNIS, replace(settings(), score=ScoreSettings("pmi")))
    for one, other in zip((*plain.predictions, *plain.references), (*pmi.predictions, *pmi.references), strict=True):
        assert isinstance(one, Prediction) and isinstance(other, Prediction)
        assert one.log_probabilities == other.log_probabilities
        assert one.unconditional is None and other.unconditional is not None
        assert other.scores == tuple(a - b for a, b in zip(other.log_probabilities, other.unconditional, strict=True))


def test_a_long_passage_is_cut_and_it_is_said(composer: Composer):
    trace = composer.explain(replace(TENNIS, context="The dog ran over the green field. " * 1_000))
    far, cut = trace.notes
    assert "left out of the middle" in cut and far.startswith("Nothing in this bank is close")


def test_wrong_settings_are_refused_before_anything_is_embedded(composer: Composer):
    question = replace(TENNIS, text="What has nobody asked before?")
    before = composer.encoder.calls
    for wrong, error in (
        (settings(kernel="invers"), SettingsError),
        (settings(methods=("linear", "linear")), SettingsError),
        (settings(methods=()), SettingsError),
        (settings(methods=("tees",)), MergeError),
    ):
        with pytest.raises(error):
            composer.explain(question, wrong)
    assert composer.encoder.calls == before


def test_knowing_the_gold_answer_changes_nothing(composer: Composer, queries):
    for query in queries[:2]:
        told, untold = composer.explain(query), composer.explain(replace(query, gold=None))
        assert without_times(told) == replace(without_times(untold), query=query)


def test_one_bank_may_be_opened_again_in_this_process_and_the_other_lives_on(composer: Composer, cache_dir):
    from composer.pipeline import open_index

    again = open_index(composer.bank, composer.encoder, cache_dir)
    again.close()
    assert len(composer.retrieve(TENNIS, settings())) == 100


def test_an_index_belongs_to_one_bank_and_one_content(composer: Composer, tmp_path):
    here = index_folder(composer.bank, tmp_path)
    assert composer.bank.examples is not None
    changed = replace(composer.bank, examples=replace(composer.bank.examples, sha256="0" * 64))
    moved = replace(composer.bank, folder=tmp_path)
    assert len({here, index_folder(changed, tmp_path), index_folder(moved, tmp_path)}) == 3
