"""Projections from products of ranks against least squares on full matrices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from composer.config import MergeSettings
from composer.merging import METHODS, MergedAdapter, contribution, contributions_of, merge
from composer.types import Contribution

from .oracle import Oracle, updates

WEIGHTS = (("one", 0.6), ("bottom", 0.3), ("two", -0.2), ("coarse", 0.1))
NAMES = [name for name, _ in WEIGHTS]


def vector(adapter, modules) -> np.ndarray:
    own = updates(adapter)
    flat = [own[module].numpy().ravel() if module in own else np.zeros(size) for module, size in modules.items()]
    return np.concatenate(flat)


def by_full_matrices(merged: MergedAdapter, adapters, weights) -> Contribution:
    modules = {module: update.numel() for module, update in updates(merged).items()}
    span = np.stack([vector(adapter, modules) for adapter in adapters], axis=1)
    target, exact = vector(merged, modules), span @ [weight for _, weight in weights]
    effective = np.linalg.lstsq(span, target)[0]
    off_span = np.sum((target - span @ effective) ** 2) / np.sum(target**2)
    names = [name for name, _ in weights]
    ratio = np.linalg.norm(target) / np.linalg.norm(exact)
    return Contribution(merged.method, tuple(zip(names, effective, strict=True)), float(off_span), float(ratio))


def assert_same(ours: Contribution, wanted: Contribution) -> None:
    assert ours.method == wanted.method
    assert [name for name, _ in ours.effective] == [name for name, _ in wanted.effective]
    assert dict(ours.effective) == pytest.approx(dict(wanted.effective), abs=1e-9)
    assert ours.off_span == pytest.approx(wanted.off_span, abs=1e-9)
    assert ours.norm_ratio == pytest.approx(wanted.norm_ratio, rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("density", [0.2, 0.7, 1.0])
def test_a_contribution_equals_least_squares_on_full_matrices(oracle: Oracle, method: str, density: float):
    adapters = oracle.adapters(NAMES)
    merged = merge(method, adapters, WEIGHTS, MergeSettings(density))
    assert_same(contribution(merged, adapters, WEIGHTS), by_full_matrices(merged, adapters, WEIGHTS))


def test_all_methods_at_once_equal_one_by_one(oracle: Oracle):
    adapters = oracle.adapters(NAMES)
    merges = [merge(method, adapters, WEIGHTS) for method in METHODS]
    together = contributions_of(merges, adapters[::-1], WEIGHTS)
    for merged, ours in zip(merges, together, strict=True):
        assert_same(ours, contribution(merged, adapters, WEIGHTS))


def test_slices_of_modules_add_up(oracle: Oracle, monkeypatch: pytest.MonkeyPatch):
    adapters = oracle.adapters(NAMES)
    merged = merge("linear", adapters, WEIGHTS)
    whole = contribution(merged, adapters, WEIGHTS)
    monkeypatch.setattr("composer.merging.contributions.BUDGET_BYTES", 1)
    assert_same(contribution(merged, adapters, WEIGHTS), whole)


def test_cat_applies_the_weights_asked_for_and_nothing_else(oracle: Oracle):
    weights = (("wide", 0.5), ("thin", -0.25), ("wide_bottom", 1.5), ("attention", 0.0))
    adapters = oracle.adapters([name for name, _ in weights])
    ours = contribution(merge("cat", adapters, weights), adapters, weights)
    assert dict(ours.effective) == pytest.approx(dict(weights), abs=1e-6)
    assert ours.off_span == pytest.approx(0, abs=1e-10)
    assert ours.norm_ratio == pytest.approx(1, abs=1e-6)


def test_linear_adds_cross_terms_outside_of_the_span(oracle: Oracle):
    adapters, weights = oracle.adapters(["one", "two"]), {"one": 0.5, "two": 0.5}
    ours = contribution(merge("linear", adapters, weights), adapters, weights)
    assert dict(ours.effective) == pytest.approx(weights, abs=0.1)
    assert 0.3 < ours.off_span < 0.7
    assert ours.norm_ratio > 1.2


def test_ties_shrinks_an_update_whose_weight_sits_on_one_adapter_of_three(oracle: Oracle):
    weights = {"one": 0.98, "two": 0.01, "three": 0.01}
    adapters = oracle.adapters(list(weights))
    ours = contribution(merge("ties", adapters, weights, MergeSettings(density=0.5)), adapters, weights)
    assert ours.norm_ratio < 0.7


def test_copies_of_one_adapter_share_what_they_explain(oracle: Oracle):
    one = oracle.adapter("one")
    adapters = [one, replace(one, name="copy"), oracle.adapter("two")]
    weights = {"one": 0.7, "copy": 0.1, "two": 0.2}
    ours = contribution(merge("cat", adapters, weights), adapters, weights)
    assert dict(ours.effective) == pytest.approx({"one": 0.4, "copy": 0.4, "two": 0.2}, abs=1e-5)
    assert ours.off_span == pytest.approx(0, abs=1e-10)


def test_adapters_that_cancel_out_leave_a_defined_result(oracle: Oracle):
    one = oracle.adapter("one")
    adapters, weights = [one, replace(one, name="copy")], {"one": 1.0, "copy": -1.0}
    for method in METHODS:
        ours = contribution(merge(method, adapters, weights), adapters, weights)
        assert ours.norm_ratio == 0.0, "there is no exact sum to compare with"
        assert dict(ours.effective)["one"] == pytest.approx(dict(ours.effective)["copy"], abs=1e-6)
    assert contribution(merge("cat", adapters, weights), adapters, weights).off_span == 0.0


def test_an_adapter_without_an_update_contributes_nothing(oracle: Oracle):
    one, two = oracle.adapters(["one", "two"])
    untrained = replace(two, stacks=tuple(replace(s, b=torch.zeros_like(s.b)) for s in two.stacks))
    adapters, weights = [one, untrained], {"one": 0.5, "two": 0.5}
    ours = contribution(merge("cat", adapters, weights), adapters, weights)
    assert dict(ours.effective) == pytest.approx({"one": 0.5, "two": 0.0}, abs=1e-6)


def test_half_precision_factors_are_measured_as_they_are(oracle: Oracle):
    adapters = [
        replace(adapter, stacks=tuple(replace(s, a=s.a.half(), b=s.b.half()) for s in adapter.stacks))
        for adapter in oracle.adapters(NAMES)
    ]
    merged = merge("linear", adapters, WEIGHTS)
    assert_same(contribution(merged, adapters, WEIGHTS), by_full_matrices(merged, adapters, WEIGHTS))


def test_an_update_that_cancels_within_itself_is_no_nan(oracle: Oracle):
    one, two = oracle.adapters(["one", "two"])
    null = replace(
        two,
        stacks=tuple(replace(s, a=torch.cat([s.a, s.a], dim=1), b=torch.cat([s.b, -s.b], dim=2)) for s in two.stacks),
    )
    adapters, weights = [one, null], {"one": 0.5, "two": 0.5}
    ours = contribution(merge("cat", adapters, weights), adapters, weights)
    assert dict(ours.effective)["one"] == pytest.approx(0.5, abs=1e-6)
    assert (ours.off_span, ours.norm_ratio) == pytest.approx((0.0, 1.0), abs=1e-6)
