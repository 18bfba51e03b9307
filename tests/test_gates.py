"""Candidates that weigh adapters by token, or by a look at the model, from a question to its answers."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from composer import Composer, Query
from composer.evaluation.answers import Slot
from composer.lineup import candidate_named
from composer.merging import GATES, GatedAdapter, MergedAdapter
from composer.routing import STRATEGIES, Evidence, Gate, arrow, spectr
from composer.types import Failure, TaskWeights

TENNIS = Query("Where can I buy a tennis ball?", ("a sports store", "a bakery", "a bank"))
WEIGHTS = TaskWeights((("copa", 1.0),), (), 0.9, "inverse")
LAST_QUERY = "model.layers.1.self_attn.q_proj"


@pytest.fixture
def evidence(composer: Composer) -> Evidence:
    return composer.evidence(TENNIS, (), WEIGHTS)


def added(composer: Composer, tasks: tuple[str, ...]) -> dict[str, torch.Tensor]:
    """By a hook of one's own on a copy of the model, and full matrices."""
    seen: list[torch.Tensor] = []
    model = copy.deepcopy(composer.base.model)
    model.get_submodule(LAST_QUERY).register_forward_pre_hook(lambda _module, args: seen.append(args[0][0, -1]))
    with torch.inference_mode():
        model(torch.tensor([composer.fit(TENNIS).text_tokens]))
    found = {}
    for adapter in map(composer.adapters.get, tasks):
        stack = next(stack for stack in adapter.stacks if LAST_QUERY in stack.modules)
        at = stack.modules.index(LAST_QUERY)
        found[adapter.name] = adapter.scaling * (stack.b[at] @ stack.a[at]) @ seen[0]
    return found


@pytest.mark.parametrize("name", GATES)
def test_a_gates_candidate_is_a_gate_over_all_adapters_that_may_be_chosen(composer: Composer, evidence, name):
    made = composer.candidate(name, evidence, composer.default_settings())
    assert isinstance(made, GatedAdapter)
    assert (made.method, made.tasks) == (name, tuple(sorted(composer.bank.tasks)))
    without = composer.evidence(TENNIS, (), WEIGHTS, withheld=frozenset({"copa"}))
    made = composer.candidate(name, without, composer.default_settings())
    assert isinstance(made, GatedAdapter) and "copa" not in made.tasks and len(made.tasks) == 21


def test_a_gate_leaves_the_finished_merges_alone(composer: Composer):
    kept = len(composer.merges)
    composer.gate(Gate("arrow", ("cb", "copa"), 2))
    assert len(composer.merges) == kept


def test_the_defaults_are_those_of_the_sources():
    from peft import ArrowConfig

    assert (arrow.TOP_K, arrow.TEMPERATURE) == (ArrowConfig().top_k, ArrowConfig().router_temperature)
    assert (spectr.TOP_K, spectr.TEMPERATURE) == (4, 1.0)


def test_logo_weighs_by_the_norm_of_what_each_adapter_adds_to_the_last_token(composer: Composer, evidence):
    norms = {task: update.norm().item() for task, update in added(composer, composer.bank.tasks).items()}
    choice = STRATEGIES["logo"].choose(evidence)
    heaviest = sorted(norms, key=lambda task: -norms[task])[:20]
    assert [task for task, _ in choice] == heaviest
    total = sum(norms[task] for task in heaviest)
    assert [weight for _, weight in choice] == pytest.approx([norms[task] / total for task in heaviest], abs=1e-6)
    made = composer.candidate("logo", evidence, composer.default_settings())
    assert isinstance(made, MergedAdapter) and made.weights == choice and made.method == "logo"


def test_a_look_is_at_the_adapters_that_may_be_chosen(composer: Composer):
    without = composer.evidence(TENNIS, (), WEIGHTS, withheld=frozenset(composer.bank.tasks[:19]))
    found = without.looked()
    assert tuple(found) == composer.bank.tasks[19:]
    for task, update in added(composer, composer.bank.tasks[19:]).items():
        np.testing.assert_allclose(found[task], update.numpy(), atol=1e-4)


def test_logo_leaves_out_what_adds_nothing_and_orders_equals_by_name():
    vectors = {"b": np.array([3.0, 4.0]), "a": np.array([0.0, 5.0]), "none": np.zeros(2)}
    evidence = Evidence(TENNIS, (), WEIGHTS, tuple(vectors), look=lambda: vectors)
    assert STRATEGIES["logo"].choose(evidence) == (("a", 0.5), ("b", 0.5))
    assert STRATEGIES["logo"].choose(replace(evidence, look=lambda: {"none": np.zeros(2)})) == ()


def test_a_run_shows_gates_beside_merges_and_with_no_contribution(composer: Composer):
    names = ("arrow", "spectr", "logo", "top1")
    *_, trace = composer.run(TENNIS, references=names)
    assert [answer.method for answer in trace.references] == list(names)
    assert not any(isinstance(answer, Failure) for answer in trace.references)
    assert len({answer.log_probabilities for answer in (*trace.references, *trace.predictions)}) == 9
    assert not {one.method for one in trace.contributions} & set(names)


def test_eight_users_at_once_get_what_each_would_get_alone(composer: Composer, queries):
    def answers(query: Query) -> list[tuple[float, ...]]:
        *_, trace = composer.run(query, references=("arrow", "spectr", "logo"))
        return [answer.log_probabilities for answer in (*trace.references, *trace.predictions)]

    serial = [answers(query) for query in queries]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(answers, queries)) == serial


def test_the_evaluation_tells_gates_apart_by_what_is_gated(composer: Composer, evidence):
    settings = composer.default_settings().merge
    without = composer.evidence(TENNIS, (), WEIGHTS, withheld=frozenset({"copa"}))
    asked = (("arrow", evidence), ("spectr", evidence), ("base", evidence), ("arrow", without))
    slots = [Slot(candidate_named(name).method, STRATEGIES[name].choose(given)) for name, given in asked]
    keys = [slot.key(composer, settings) for slot in slots]
    assert len(set(keys)) == 4 and keys[2] == "base"
