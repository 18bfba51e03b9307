"""Ours against PEFT's `add_weighted_adapter`, factor by factor; for svd, in the product."""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from composer.config import MergeSettings
from composer.merging import METHODS, TrimCache, merge

from .oracle import (
    EQUAL_RANKS,
    PEFT_METHODS,
    RECIPES,
    Oracle,
    assert_same_factors,
    assert_same_merge,
    assert_same_products,
    unstacked,
    updates,
)

pytestmark = pytest.mark.filterwarnings("ignore:The density 1")

WEIGHTS = st.sampled_from([0.0, 1.0, 0.5, -0.5]) | st.floats(-2, 2, width=32)
SETTINGS = st.builds(
    MergeSettings,
    density=st.sampled_from([0.1, 0.3, 0.5, 0.7, 1.0]) | st.floats(0.1, 1),
    majority_sign_method=st.sampled_from(["frequency", "total"]),
    svd_rank=st.none() | st.integers(1, 12),
    seed=st.integers(0, 3),
)
THREE = (("one", 0.6), ("two", 0.3), ("coarse", 0.1))


@st.composite
def merges(draw):
    method = draw(st.sampled_from(sorted(PEFT_METHODS)))
    pool = sorted(RECIPES) if METHODS[method].mixes_ranks else sorted(EQUAL_RANKS)
    names = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=6, unique=True))
    weights = tuple((name, draw(WEIGHTS)) for name in names)
    assume(any(weight for _, weight in weights))
    return method, weights, draw(SETTINGS)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(merges())
def test_every_method_equals_peft(oracle: Oracle, asked):
    method, weights, how = asked
    ours = merge(method, oracle.adapters([name for name, _ in weights]), weights, how)
    theirs = oracle.merge(method, weights, how) if len(weights) > 1 else oracle.merge_one(method, *weights[0], how)
    assert_same_merge(ours, theirs)


@pytest.mark.parametrize(
    ("method", "density", "elect"),
    [
        (name, density, elect)
        for name, method in ((name, METHODS[name]) for name in PEFT_METHODS)
        for density in ((0.1, 0.7, 1.0) if method.prunes else (0.7,))
        for elect in (("frequency", "total") if method.elects else ("frequency",))
    ],
)
@pytest.mark.parametrize(
    "weights",
    [
        THREE,
        (("one", -0.7), ("two", 1.2)),
        (("coarse", -0.25), ("one", -1.0), ("three", -0.5)),
        (("one", 0.0), ("coarse", 0.4), ("two", -0.2)),
        (("attention", 0.5), ("one", 0.25), ("bottom", 0.25)),
        (("bottom", 0.5), ("attention", 0.5)),
        tuple((name, 1 / 6) for name in ("one", "two", "three", "coarse", "attention", "bottom")),
    ],
    ids=["positive", "negative", "all-negative", "zero", "lacking", "disjoint-but-one", "six"],
)
def test_the_named_cases_equal_peft(oracle: Oracle, method: str, density: float, elect: str, weights):
    how = MergeSettings(density, elect)
    ours = merge(method, oracle.adapters([name for name, _ in weights]), weights, how)
    assert_same_merge(ours, oracle.merge(method, weights, how))


@pytest.mark.parametrize("method", [name for name in PEFT_METHODS if METHODS[name].prunes])
@pytest.mark.parametrize("elect", ["frequency", "total"])
@pytest.mark.parametrize("density", [0.02, 0.1, 0.25, 0.5, 0.75])
def test_among_equal_magnitudes_and_even_votes_the_choice_is_pefts(oracle: Oracle, method, elect, density):
    weights = (("coarsest", 1.0), ("coarser", -0.5), ("coarse", 0.3), ("one", 0.2))
    how = MergeSettings(density, elect)
    ours = merge(method, oracle.adapters([name for name, _ in weights]), weights, how)
    theirs = oracle.merge(method, weights, how)
    assert_same_factors(ours, theirs)
    for module, (a, b) in unstacked(ours).items():
        assert torch.equal(a == 0, theirs[module][0] == 0), "another set of entries was kept"
        assert torch.equal(b == 0, theirs[module][1] == 0), "another set of entries was kept"


@pytest.mark.parametrize("svd_rank", [None, 1, 5, 12])
@pytest.mark.parametrize(
    "weights",
    [
        THREE,
        (("wide", 0.5), ("thin", -0.25), ("wide_bottom", 1.5), ("attention", 0.125)),
        (("thin", 1.0), ("bottom", 0.5), ("wide", 0.25)),
    ],
    ids=["equal", "unequal", "widest-last"],
)
def test_svd_of_any_ranks_equals_pefts_product(oracle: Oracle, svd_rank: int | None, weights):
    how = MergeSettings(svd_rank=svd_rank)
    ours = merge("svd", oracle.adapters([name for name, _ in weights]), weights, how)
    assert_same_products(ours, oracle.merge("svd", weights, how), tolerance=1e-5)


def test_cat_of_unequal_ranks_equals_peft_up_to_its_zero_rows(oracle: Oracle):
    weights = (("wide", 0.5), ("thin", -0.25), ("wide_bottom", 1.5), ("attention", 0.125))
    ours = merge("cat", oracle.adapters([name for name, _ in weights]), weights)
    assert_same_factors(ours, oracle.merge("cat", weights, MergeSettings()), tolerance=0)
    ranks = {module: len(a) for module, (a, _) in unstacked(ours).items()}
    assert ranks["model.layers.0.self_attn.q_proj"] == 6 + 2 + 5 + 4
    assert ranks["model.layers.1.mlp.up_proj"] == 6 + 2


@pytest.mark.parametrize("method", ["linear", "cat"])
def test_one_adapter_gives_the_update_that_peft_gives(oracle: Oracle, method: str):
    """PEFT turns to linear, whose update for one adapter is that of cat."""
    theirs = oracle.merge(method, (("two", -0.8),), MergeSettings())
    for module, update in updates(merge(method, oracle.adapters(["two"]), {"two": -0.8})).items():
        a, b = theirs[module]
        assert torch.allclose(update, (b @ a).double(), atol=1e-6)


@pytest.mark.parametrize("method", ["ties", "magnitude_prune"])
def test_a_kept_trimming_gives_bit_identical_merges(oracle: Oracle, method: str):
    adapters, cache = oracle.adapters([name for name, _ in THREE]), TrimCache()
    plain = unstacked(merge(method, adapters, THREE))
    for _ in range(2):
        for module, (a, b) in unstacked(merge(method, adapters, THREE, trimmed=cache)).items():
            assert torch.equal(a, plain[module][0]) and torch.equal(b, plain[module][1])
    assert len(cache) == 3
