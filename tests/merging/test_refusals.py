"""What PEFT does silently or by a bare TypeError is refused here in one sentence."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from composer.config import MergeSettings
from composer.errors import MergeError
from composer.merging import METHODS, merge
from composer.types import TaskWeights

from .oracle import Oracle


@pytest.mark.parametrize(
    ("method", "nearest"), [("tie", "ties"), ("Linear", "linear"), ("magnitude-prune", "magnitude_prune")]
)
def test_an_unknown_method_names_the_nearest(oracle: Oracle, method: str, nearest: str):
    with pytest.raises(MergeError, match=f"Did you mean '{nearest}'"):
        merge(method, oracle.adapters(["one"]), {"one": 1.0})


@pytest.mark.parametrize(
    "weight", [math.nan, math.inf, -math.inf, 1e39, "0.5", None, True, pytest.param(10**400, id="400-digits")]
)
def test_a_weight_that_is_no_finite_number_is_refused(oracle: Oracle, weight: object):
    with pytest.raises(MergeError, match="weight of 'two' is .* finite"):
        merge("linear", oracle.adapters(["one", "two"]), {"one": 0.5, "two": weight})


def test_weights_that_are_all_zero_are_refused(oracle: Oracle):
    with pytest.raises(MergeError, match="all weights are zero"):
        merge("cat", oracle.adapters(["one", "two"]), {"one": 0.0, "two": -0.0})


def test_no_adapters_and_no_weights_are_refused(oracle: Oracle):
    with pytest.raises(MergeError, match="0 adapters and 1 weights"):
        merge("cat", [], {"one": 1.0})
    with pytest.raises(MergeError, match="1 adapters and 0 weights"):
        merge("cat", oracle.adapters(["one"]), {})


def test_a_weight_without_its_adapter_is_refused(oracle: Oracle):
    with pytest.raises(MergeError, match="unknown adapter 'thre'. Did you mean 'three'"):
        merge("cat", oracle.adapters(["one", "three"]), {"one": 0.5, "thre": 0.5})


def test_a_short_list_of_weights_is_refused(oracle: Oracle):
    with pytest.raises(MergeError, match="'two' has no weight"):
        merge("cat", oracle.adapters(["one", "two"]), {"one": 1.0})


def test_a_name_given_twice_is_refused(oracle: Oracle):
    with pytest.raises(MergeError, match="adapter 'one' is given 2 times"):
        merge("cat", oracle.adapters(["one", "one"]), {"one": 1.0})
    with pytest.raises(MergeError, match="weight 'one' is given 2 times"):
        merge("cat", oracle.adapters(["one"]), [("one", 0.5), ("one", 0.5)])


@pytest.mark.parametrize("method", [name for name, m in METHODS.items() if not m.mixes_ranks])
def test_unequal_ranks_are_refused_where_a_method_does_not_mix_them(oracle: Oracle, method: str):
    with pytest.raises(MergeError, match="one 4, thin 2. These mix ranks: Concatenation .cat., SVD .svd., .*core_iso."):
        merge(method, oracle.adapters(["one", "thin"]), {"one": 0.5, "thin": 0.5})


@pytest.mark.parametrize("method", METHODS)
def test_adapters_of_different_bases_are_refused(oracle: Oracle, method: str):
    one, two = oracle.adapters(["one", "two"])
    narrow = replace(two, stacks=tuple(replace(stack, a=stack.a[:, :, :-1]) for stack in two.stacks))
    with pytest.raises(MergeError, match="q_proj is 32 x 32 in 'one' but 32 x 31 in 'two'"):
        merge(method, [one, narrow], {"one": 0.5, "two": 0.5})


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if method.prunes_factors])
def test_a_density_that_keeps_nothing_is_refused_with_one_that_works(oracle: Oracle, method: str):
    with pytest.raises(MergeError, match="density 0.01 keeps none of the 64 entries") as caught:
        merge(method, oracle.adapters(["one"]), {"one": 1.0}, MergeSettings(density=0.01))
    remedy = float(str(caught.value).partition("Set it to ")[2].split()[0])
    merge(method, oracle.adapters(["one"]), {"one": 1.0}, MergeSettings(density=remedy))


def test_weights_come_as_a_mapping_as_pairs_or_as_task_weights(oracle: Oracle):
    adapters = oracle.adapters(["one", "two"])
    pairs = (("two", 0.75), ("one", 0.25))
    task_weights = TaskWeights(kept=pairs, dropped=(), top_p=1.0, kernel="inverse")
    numbers = {"two": np.float32(0.75), "one": np.float64(0.25)}
    merged = [merge("linear", adapters, weights) for weights in (pairs, dict(pairs), task_weights, numbers)]
    assert {m.weights for m in merged} == {pairs}
    for other in merged[1:]:
        for left, right in zip(merged[0].stacks, other.stacks, strict=True):
            assert torch.equal(left.a, right.a) and torch.equal(left.b, right.b)
