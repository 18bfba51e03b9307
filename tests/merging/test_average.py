"""The average of factors, against sums written out by hand."""

from __future__ import annotations

import torch

from composer.config import MergeSettings
from composer.merging import merge

from .oracle import RECIPES, Oracle, unstacked, updates

WEIGHTS = (("one", 0.6), ("two", -0.5), ("attention", 0.25))


def test_both_factors_carry_the_whole_weight(oracle: Oracle):
    merged = unstacked(merge("average", oracle.adapters([name for name, _ in WEIGHTS]), WEIGHTS))
    own = {name: oracle.factors(name) for name, _ in WEIGHTS}
    for module, (a, b) in merged.items():
        parts = [
            (weight * (RECIPES[name].alpha / RECIPES[name].rank) ** 0.5, own[name][module])
            for name, weight in WEIGHTS
            if module in own[name]
        ]
        assert torch.allclose(a, sum(scale * factors[0] for scale, factors in parts), atol=1e-6)
        assert torch.allclose(b, sum(scale * factors[1] for scale, factors in parts), atol=1e-6)


def test_a_weight_alone_counts_squared_and_without_its_sign(oracle: Oracle):
    own = updates(oracle.adapter("two"))
    for weight in (0.5, -0.5):
        merged = updates(merge("average", oracle.adapters(["two"]), {"two": weight}, MergeSettings()))
        assert all(torch.allclose(merged[module], 0.25 * update, atol=1e-6) for module, update in own.items())


def test_the_signs_of_two_weights_decide_about_the_cross_terms_only(oracle: Oracle):
    adapters = oracle.adapters(["one", "two"])
    like = updates(merge("average", adapters, {"one": 0.5, "two": 0.5}))
    unlike = updates(merge("average", adapters, {"one": 0.5, "two": -0.5}))
    both_turned = updates(merge("average", adapters, {"one": -0.5, "two": 0.5}))
    for module, one in updates(adapters[0]).items():
        two = updates(adapters[1])[module]
        assert torch.allclose(like[module] + unlike[module], 0.5 * (one + two), atol=1e-6)
        assert torch.allclose(unlike[module], both_turned[module], atol=1e-6)
        assert not torch.allclose(like[module], unlike[module])
