"""Gates are made of factors alone; how they weigh tokens is tested with a model, in tests/inference."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from composer.errors import MergeError
from composer.merging import GATES, gated, gating, rule_named
from composer.merging.gating import GatedAdapter, GateParts, by_spectrum, top_direction

from .oracle import Oracle, updates

MIXED = ("one", "three", "attention", "bottom", "thin", "wide")
"""Ranks 2, 4 and 6, and three sets of modules"""


def updates_of(gate: GatedAdapter) -> dict[tuple[str, int], torch.Tensor]:
    """(module, position among its adapters) to the full matrix, in float64."""
    found: dict[tuple[str, int], torch.Tensor] = {}
    for stack in gate.stacks:
        for at, module in enumerate(stack.modules):
            for position, scale in enumerate(stack.scales.tolist()):
                parts = (part.b[at].double() * part.owners[:, position] @ part.a[at].double() for part in stack.parts)
                found[module, position] = scale * sum(parts)
    return found


def expected(oracle: Oracle, names: tuple[str, ...]) -> dict[tuple[str, int], torch.Tensor]:
    found: dict[tuple[str, int], torch.Tensor] = {}
    for name in names:
        for module, update in updates(oracle.adapter(name)).items():
            found[module, sum(key[0] == module for key in found)] = update
    return found


@pytest.mark.parametrize("join_bytes", [0, 2**28])
@pytest.mark.parametrize("rule", GATES)
def test_a_gate_keeps_every_adapters_update_apart_whatever_its_rank_and_modules(oracle, rule, join_bytes, monkeypatch):
    monkeypatch.setattr(gating, "JOIN_BYTES", join_bytes)
    gate = gated(rule, oracle.adapters(MIXED), top_k=3)
    found, wanted = updates_of(gate), expected(oracle, MIXED)
    assert found.keys() == wanted.keys()
    for key, update in wanted.items():
        assert (found[key] - update).abs().max() < 1e-5, key
    assert (gate.method, gate.tasks, gate.top_k) == (rule, MIXED, 3)
    assert {len(stack.parts) == 1 for stack in gate.stacks if len(stack.scales) > 1} == {join_bytes > 0}


def test_arrows_direction_is_the_top_right_singular_vector(oracle):
    for stack in oracle.adapter("wide").stacks:
        for row, found in enumerate(top_direction(stack.a, stack.b)):
            right = torch.linalg.svd(stack.b[row].double() @ stack.a[row].double()).Vh[0]
            assert abs(found.double() @ right).item() == pytest.approx(1, abs=1e-6)


def test_the_norm_in_spectrs_factors_is_that_of_the_update(oracle):
    x = torch.randn(5, 32, generator=torch.Generator().manual_seed(1))
    stack = next(s for s in oracle.adapter("thin").stacks if s.shape[1] == 32)
    a, b = by_spectrum(stack.a, stack.b, 0.5)
    torch.testing.assert_close((a @ x.T).norm(dim=1), (0.5 * stack.b @ stack.a @ x.T).norm(dim=1))
    torch.testing.assert_close(b.mT @ b, torch.eye(2).expand(len(b), 2, 2), atol=1e-5, rtol=0)


def test_slices_of_layers_give_the_same_factors(oracle, monkeypatch):
    stack = oracle.adapter("one").stacks[0]
    whole = top_direction(stack.a, stack.b)
    monkeypatch.setattr(gating, "BUDGET_BYTES", 1)
    torch.testing.assert_close(top_direction(stack.a, stack.b), whole)


def test_large_factors_are_the_adapters_own(oracle, monkeypatch):
    adapters = oracle.adapters(["one", "two"])
    monkeypatch.setattr(gating, "JOIN_BYTES", 0)
    own = [stack.a.data_ptr() for adapter in adapters for stack in adapter.stacks]
    found = [part.a.data_ptr() for stack in gated("arrow", adapters, top_k=1).stacks for part in stack.parts]
    assert sorted(found) == sorted(own)


def test_what_is_made_of_an_adapter_is_made_once_whatever_the_company(oracle, monkeypatch):
    one, two = oracle.adapters(["one", "two"])
    made = []
    found = gating._decomposed
    monkeypatch.setattr(gating, "_decomposed", lambda a, b: made.append(a) or found(a, b))
    parts = GateParts(2**30)
    for rule in GATES:
        alone = gated(rule, [one], top_k=1, parts=parts)
        count = len(made)
        both = gated(rule, [one, two], top_k=1, parts=parts)
        assert len(made) == 2 * count
        gated(rule, [two, one], top_k=2, temperature=0.5, parts=parts)
        assert len(made) == 2 * count
        for small, large in zip(alone.stacks, both.stacks, strict=True):
            rank = small.parts[0].a.shape[1]
            torch.testing.assert_close(large.parts[0].a[:, :rank], small.parts[0].a, atol=0, rtol=0)
        made.clear()


def test_parts_of_equal_names_and_other_content_are_not_mixed_up(oracle):
    one, two = oracle.adapters(["one", "two"])
    parts = GateParts(2**30)
    gated("arrow", [one], top_k=1, parts=parts)
    found = gated("arrow", [replace(two, name=one.name)], top_k=1, parts=parts)
    fresh = gated("arrow", [replace(two, name=one.name)], top_k=1)
    assert all(torch.equal(a.directions, b.directions) for a, b in zip(found.stacks, fresh.stacks, strict=True))


def test_what_no_gate_can_be_made_of_is_refused(oracle):
    adapters = oracle.adapters(["one", "two"])
    with pytest.raises(MergeError, match="Did you mean 'arrow'"):
        rule_named("arow")
    with pytest.raises(MergeError, match="no adapters"):
        gated("arrow", [], top_k=3)
    for top_k, temperature in ((0, 1.0), (3, 0.0), (3, float("nan"))):
        with pytest.raises(MergeError, match="top_k"):
            gated("arrow", adapters, top_k=top_k, temperature=temperature)
