"""What holds for the methods, whatever PEFT does."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from composer.config import DEFAULT_METHODS, MergeSettings
from composer.merging import METHODS, AdapterFactors, merge

from .oracle import Oracle, unstacked, updates

WEIGHTS = {"one": 0.6, "two": 0.3, "coarse": 0.1}
WHOLE = MergeSettings(density=1.0)


def cast(adapter: AdapterFactors, dtype: torch.dtype) -> AdapterFactors:
    stacks = tuple(replace(stack, a=stack.a.to(dtype), b=stack.b.to(dtype)) for stack in adapter.stacks)
    return replace(adapter, stacks=stacks)


def assert_close(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor], atol: float = 2e-6) -> None:
    assert left.keys() == right.keys()
    for module in left:
        assert torch.allclose(left[module], right[module], atol=atol, rtol=0), module


def test_cat_is_the_exact_weighted_sum(oracle: Oracle):
    adapters = oracle.adapters(["one", "thin", "bottom"])
    weights = {"one": 0.7, "thin": -0.4, "bottom": 1.3}
    expected: dict[str, torch.Tensor] = {}
    for adapter in adapters:
        for module, update in updates(adapter).items():
            expected[module] = expected.get(module, 0) + weights[adapter.name] * update
    assert_close(updates(merge("cat", adapters, weights)), expected)


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if not method.evens])
def test_one_adapter_at_weight_one_is_unchanged(oracle: Oracle, method: str):
    adapter = oracle.adapter("two")
    assert_close(updates(merge(method, [adapter], {"two": 1.0}, WHOLE)), updates(adapter))


@pytest.mark.parametrize("method", [name for name, m in METHODS.items() if not m.evens and name != "average"])
def test_one_adapter_at_weight_minus_one_is_negated(oracle: Oracle, method: str):
    adapter = oracle.adapter("two")
    negated = {module: -update for module, update in updates(adapter).items()}
    assert_close(updates(merge(method, [adapter], {"two": -1.0}, WHOLE)), negated)


@pytest.mark.parametrize("method", ["ties", "magnitude_prune"])
def test_one_adapter_alone_is_still_trimmed(oracle: Oracle, method: str):
    merged = merge(method, oracle.adapters(["one"]), {"one": 1.0}, MergeSettings(density=0.25))
    for a, b in unstacked(merged).values():
        assert (a != 0).sum() == a.numel() // 4
        assert (b != 0).sum() == b.numel() // 4


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_adapters_and_weights_does_not_matter(oracle: Oracle, method: str):
    adapters = oracle.adapters([*WEIGHTS, "bottom"])
    weights = [*WEIGHTS.items(), ("bottom", -0.2)]
    forward = merge(method, adapters, weights)
    backward = merge(method, adapters[::-1], weights[::-1])
    assert_close(updates(forward), updates(backward))


@pytest.mark.parametrize("method", METHODS)
def test_inputs_are_left_as_they_were(oracle: Oracle, method: str):
    adapters = oracle.adapters(list(WEIGHTS))
    before = [unstacked(cast(adapter, torch.float64)) for adapter in adapters]
    merge(method, adapters, WEIGHTS)
    for adapter, old in zip(adapters, before, strict=True):
        for module, (a, b) in unstacked(adapter).items():
            assert torch.equal(a.double(), old[module][0]) and torch.equal(b.double(), old[module][1])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_factors_are_merged_in_full_precision(oracle: Oracle, method: str, dtype: torch.dtype):
    halves = [cast(adapter, dtype) for adapter in oracle.adapters(list(WEIGHTS))]
    ours = unstacked(merge(method, halves, WEIGHTS))
    wanted = unstacked(merge(method, [cast(half, torch.float32) for half in halves], WEIGHTS))
    for module, (a, b) in ours.items():
        assert a.dtype == b.dtype == torch.float32
        assert torch.equal(a, wanted[module][0]) and torch.equal(b, wanted[module][1])


def test_ties_without_a_majority_elects_plus(oracle: Oracle):
    one = oracle.adapter("one")
    mirrored = replace(one, name="mirrored", stacks=tuple(replace(s, a=-s.a, b=-s.b) for s in one.stacks))
    merged = unstacked(merge("ties", [one, mirrored], {"one": 0.5, "mirrored": 0.5}, WHOLE))
    for module, (a, b) in unstacked(one).items():
        assert torch.allclose(merged[module][0], a.abs())
        assert torch.allclose(merged[module][1], b.abs())


def test_ties_lets_an_adapter_of_weight_zero_vote(oracle: Oracle):
    adapters = oracle.adapters(["one", "two", "three"])
    alone = unstacked(merge("ties", adapters[:1], {"one": 1.0}, WHOLE))
    outvoted = unstacked(merge("ties", adapters, {"one": 1.0, "two": 0.0, "three": 0.0}, WHOLE))
    assert any(not torch.allclose(alone[module][0], a) for module, (a, _) in outvoted.items())


def test_the_two_elections_differ_where_many_small_stand_against_one_large():
    from composer.merging.method import Member
    from composer.merging.ties import merge as ties

    values = [3.0, -1.0, -1.0]
    members = [Member(torch.full((1, 1, 1), v), torch.full((1, 1, 1), v), 1.0, 1.0) for v in values]
    by_frequency, _ = ties(members, MergeSettings(majority_sign_method="frequency"))
    by_total, _ = ties(members, MergeSettings(majority_sign_method="total"))
    assert by_frequency.item() == -1.0
    assert by_total.item() == 3.0


def test_chunks_do_not_show_in_a_ties_merge(oracle: Oracle, monkeypatch: pytest.MonkeyPatch):
    adapters = oracle.adapters(list(WEIGHTS))
    whole = unstacked(merge("ties", adapters, WEIGHTS))
    monkeypatch.setattr("composer.merging.ties.CPU_CHUNK", 100)
    for module, (a, b) in unstacked(merge("ties", adapters, WEIGHTS)).items():
        assert torch.equal(a, whole[module][0]) and torch.equal(b, whole[module][1])


def test_the_registry_states_the_facts_of_the_papers_methods():
    four = {name: METHODS[name] for name in DEFAULT_METHODS}
    assert list(METHODS)[:4] == list(four) == ["linear", "cat", "ties", "magnitude_prune"]
    assert [name for name, method in four.items() if method.prunes] == ["ties", "magnitude_prune"]
    assert [name for name, method in four.items() if method.elects] == ["ties"]
    assert [name for name, method in four.items() if method.mixes_ranks] == ["cat"]
    assert [name for name, method in four.items() if method.exact] == ["cat"]
    assert not any(
        method.seeded or method.truncates or method.in_core_space or method.evens for method in four.values()
    )
    assert all(method.sentence.endswith(".") and method.title for method in METHODS.values())
