"""Core Space against full matrices: the basis, the rules, and what the order of adapters may not change."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from composer.config import MergeSettings
from composer.errors import MergeError
from composer.merging import METHODS, AdapterFactors, contribution, merge

from .oracle import Oracle, unstacked, updates
from .test_svd import Watched, random_adapter

CORE = [name for name, method in METHODS.items() if method.in_core_space]
MIXED = (("wide", 0.5), ("thin", -0.25), ("wide_bottom", 1.5), ("attention", 0.125))
TWO = (("one", 0.6), ("two", -0.4))
WHOLE = MergeSettings(density=1.0)
Q = "model.layers.1.self_attn.q_proj"


def made(oracle: Oracle, method: str, weights=MIXED, how: MergeSettings = WHOLE) -> dict[str, Tensor]:
    return updates(merge(method, oracle.adapters([name for name, _ in weights]), weights, how))


def cores(oracle: Oracle, weights, module: str) -> tuple[Tensor, list[Tensor], Tensor]:
    """U, the cores and V of one module, by the formula on full matrices."""
    own = [unstacked(oracle.adapter(name))[module] for name, _ in weights]
    v = torch.linalg.svd(torch.cat([a for a, _ in own]).double(), full_matrices=False)[2].mT
    u = torch.linalg.svd(torch.cat([b for _, b in own], dim=1).double(), full_matrices=False)[0]
    changes = (weight * updates(oracle.adapter(name))[module] for name, weight in weights)
    return u, [u.mT @ change @ v for change in changes], v


def largest(core: Tensor, density: float) -> Tensor:
    kept = core.abs().flatten().topk(int(density * core.numel())).indices
    return torch.zeros(core.numel(), dtype=core.dtype).index_put((kept,), core.flatten()[kept]).view_as(core)


@pytest.mark.parametrize("weights", [MIXED, TWO, (("bottom", 0.5), ("attention", -2.0)), (("thin", -1.0),)])
def test_core_sum_is_cat(oracle: Oracle, weights):
    exact = made(oracle, "cat", weights)
    for module, update in made(oracle, "core_sum", weights).items():
        assert (update - exact[module]).norm() <= 1e-5 * exact[module].norm(), module


@pytest.mark.parametrize("elect", ["frequency", "total"])
@pytest.mark.parametrize("density", [0.2, 0.7, 1.0])
def test_core_ties_trims_elects_and_averages_the_cores(oracle: Oracle, elect: str, density: float):
    weights = (*TWO, ("three", 0.3), ("coarse", 0.1))
    u, each, v = cores(oracle, weights, Q)
    kept = torch.stack([largest(core, density) for core in each])
    count = kept.sign().sum(0)
    elected = torch.where((count == 0) | torch.tensor(elect == "total"), kept.sum(0), count).sign()
    agrees = (kept.sign() == elected) & (kept != 0)
    wanted = u @ ((kept * agrees).sum(0) / agrees.sum(0).clamp(min=1)) @ v.mT
    assert torch.allclose(made(oracle, "core_ties", weights, MergeSettings(density, elect))[Q], wanted, atol=1e-5)


def test_core_ties_keeps_what_two_adapters_agree_on_at_half_the_size_of_the_sum(oracle: Oracle):
    one = oracle.adapter("one")
    merged = updates(merge("core_ties", [one, replace(one, name="copy")], {"one": 0.5, "copy": 0.5}, WHOLE))
    for module, update in updates(one).items():
        assert torch.allclose(merged[module], update / 2, atol=1e-6)


def test_core_iso_makes_the_sum_equally_strong_in_all_of_its_directions(oracle: Oracle):
    exact, evened = made(oracle, "cat", TWO), made(oracle, "core_iso", TWO)
    for module, update in evened.items():
        left, values, right = torch.linalg.svd(exact[module])
        rank = torch.linalg.matrix_rank(exact[module], rtol=1e-5)
        wanted = values[:rank].mean() * left[:, :rank] @ right[:rank]
        assert torch.allclose(update, wanted, atol=1e-5)


def test_core_dare_is_core_sum_in_the_mean(oracle: Oracle):
    runs = [made(oracle, "core_dare", TWO, MergeSettings(0.5, seed=seed))[Q] for seed in range(300)]
    exact = made(oracle, "core_sum", TWO)[Q]
    assert (torch.stack(runs).mean(0) - exact).norm() < 0.12 * exact.norm()
    assert (runs[0] - exact).norm() > 0.5 * exact.norm()


def test_core_dare_drops_places_by_seed_adapter_and_module(oracle: Oracle):
    first, again, other = (made(oracle, "core_dare", TWO, MergeSettings(0.5, seed=seed)) for seed in (1, 1, 2))
    assert all(torch.equal(first[module], again[module]) for module in first)
    assert not torch.allclose(first[Q], other[Q])
    scaled = made(oracle, "core_dare", (("one", 1.2), ("two", -0.8)), MergeSettings(0.5, seed=1))
    assert torch.allclose(scaled[Q], 2 * first[Q], atol=1e-5), "the weights decided what was dropped"


@pytest.mark.parametrize("method", CORE)
def test_the_order_of_adapters_changes_no_digit(oracle: Oracle, method: str):
    how = MergeSettings(density=0.5, seed=3)
    forward, backward = made(oracle, method, MIXED, how), made(oracle, method, MIXED[::-1], how)
    assert all(torch.equal(forward[module], backward[module]) for module in forward)


@pytest.mark.parametrize("method", CORE)
def test_an_adapter_of_weight_zero_changes_nothing(oracle: Oracle, method: str):
    how = MergeSettings(density=0.5)
    with_it = made(oracle, method, (*TWO, ("bottom", 0.0)), how)
    assert all(torch.equal(with_it[module], update) for module, update in made(oracle, method, TWO, how).items())
    alone = made(oracle, method, (("attention", 1.0), ("bottom", 0.0)), how)
    assert not alone["model.layers.0.mlp.down_proj"].any()


@pytest.mark.parametrize("method", CORE)
def test_turning_all_weights_turns_the_update(oracle: Oracle, method: str):
    how = MergeSettings(density=0.5)
    turned = made(oracle, method, tuple((name, -weight) for name, weight in MIXED), how)
    for module, update in made(oracle, method, MIXED, how).items():
        assert torch.allclose(turned[module], -update, atol=1e-6)


@pytest.mark.parametrize("method", CORE)
def test_copies_share_one_small_core(oracle: Oracle, method: str):
    """Two adapters of one span: the core has one's rank, and so has the merge."""
    one = oracle.adapter("one")
    copy = replace(one, name="copy", key="another")
    merged = merge(method, [one, copy], {"one": 0.75, "copy": 0.25}, MergeSettings(density=0.5))
    assert {stack.a.shape[1] for stack in merged.stacks} == {one.rank}
    if method == "core_ties":
        alone = updates(merge(method, [one], {"one": 0.5}, MergeSettings(density=0.5)))
        assert torch.allclose(updates(merged)[Q], alone[Q], atol=1e-6), "it was not trimmed to half of the small core"


@pytest.mark.parametrize("method", CORE)
def test_what_cancels_out_leaves_nothing(oracle: Oracle, method: str):
    one = oracle.adapter("one")
    merged = merge(method, [one, replace(one, name="copy")], {"one": 1.0, "copy": -1.0}, WHOLE)
    assert all(update.abs().max() < 1e-6 for update in updates(merged).values())


def untrained(adapter: AdapterFactors) -> AdapterFactors:
    return replace(adapter, stacks=tuple(replace(s, b=torch.zeros_like(s.b)) for s in adapter.stacks))


@pytest.mark.parametrize("method", CORE)
def test_adapters_without_an_update_leave_a_defined_merge(oracle: Oracle, method: str):
    one, two = oracle.adapters(["one", "two"])
    nothing = merge(method, [untrained(one)], {"one": 1.0})
    assert not any(update.any() for update in updates(nothing).values())
    beside = merge(method, [one, untrained(two)], {"one": 1.0, "two": 1.0}, WHOLE)
    alone = updates(merge(method, [one], {"one": 1.0}, WHOLE))
    assert all(torch.allclose(update, alone[module], atol=1e-5) for module, update in updates(beside).items())


@pytest.mark.parametrize("method", CORE)
def test_more_ranks_than_features_are_cut_to_the_features(method: str):
    adapters = [random_adapter(name, 2, 6, rank=4) for name in ("x", "yy", "zzz")]
    weights = {"x": 0.5, "yy": 0.3, "zzz": -0.2}
    merged = merge(method, adapters, weights, WHOLE)
    assert merged.stacks[0].a.shape == (2, 6, 6)
    if method == "core_sum":
        exact = updates(merge("cat", adapters, weights))
        assert all(torch.allclose(update, exact[module], atol=1e-5) for module, update in updates(merged).items())


@pytest.mark.parametrize("method", CORE)
def test_slices_of_modules_do_not_show(monkeypatch: pytest.MonkeyPatch, method: str):
    adapters = [random_adapter(name, 3, 20) for name in ("x", "yy")]
    how = MergeSettings(density=0.5)
    whole = unstacked(merge(method, adapters, {"x": 0.5, "yy": 0.3}, how))
    monkeypatch.setattr("composer.merging.core_space.BUDGET_BYTES", 1)
    for module, (a, b) in unstacked(merge(method, adapters, {"x": 0.5, "yy": 0.3}, how)).items():
        assert torch.equal(a, whole[module][0]) and torch.equal(b, whole[module][1])


@pytest.mark.parametrize("method", CORE)
def test_no_full_matrix_is_ever_formed(method: str):
    adapters = [random_adapter(name, 1, 600) for name in ("x", "yy", "zzz")]
    with Watched() as watched:
        merge(method, adapters, {"x": 0.5, "yy": 0.3, "zzz": 0.2})
    assert 0 < watched.largest <= 6 * 600


@pytest.mark.parametrize("method", [name for name in CORE if METHODS[name].prunes])
def test_a_density_that_keeps_nothing_of_a_core_is_refused_with_one_that_works(oracle: Oracle, method: str):
    with pytest.raises(MergeError, match="density 0.01 keeps none of the 16 entries of a core of ") as caught:
        merge(method, oracle.adapters(["one"]), {"one": 1.0}, MergeSettings(density=0.01))
    remedy = float(str(caught.value).partition("Set it to ")[2].split()[0])
    merge(method, oracle.adapters(["one"]), {"one": 1.0}, MergeSettings(density=remedy))


def test_what_core_sum_applied_is_what_was_asked_for(oracle: Oracle):
    adapters = oracle.adapters([name for name, _ in MIXED])
    ours = contribution(merge("core_sum", adapters, MIXED), adapters, MIXED)
    assert dict(ours.effective) == pytest.approx(dict(MIXED), abs=1e-6)
    assert (ours.off_span, ours.norm_ratio) == pytest.approx((0, 1), abs=1e-6)
