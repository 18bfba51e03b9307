from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer.errors import SettingsError
from composer.routing.kernels import KERNELS, kernel_named

# A busy machine is no failure.
UNHURRIED = settings(deadline=None, max_examples=50)
DISTANCES = st.floats(0, 2, allow_nan=False)


@pytest.mark.parametrize(
    ("name", "distance", "vote"),
    [
        ("inverse", 0.25, 0.8),
        ("inverse", 0.0, 1.0),
        ("exp", 1.0, 1 / math.e),
        ("cosine", 0.25, 0.75),
        ("cosine", 1.5, 0.0),
    ],
)
def test_kernels_are_their_formulas(name: str, distance: float, vote: float):
    assert KERNELS[name](distance) == pytest.approx(vote, abs=1e-15)


@pytest.mark.parametrize("name", sorted(KERNELS))
@UNHURRIED
@given(near=DISTANCES, far=DISTANCES)
def test_a_nearer_example_never_counts_less_and_nothing_counts_below_zero(name: str, near: float, far: float):
    near, far = sorted((near, far))
    assert KERNELS[name](near) >= KERNELS[name](far) >= 0


def test_every_kernel_has_words_for_the_page():
    assert all(kernel.title and "d" in kernel.formula for kernel in KERNELS.values())


def test_an_unknown_kernel_names_the_nearest():
    with pytest.raises(SettingsError, match="Did you mean 'inverse'"):
        kernel_named("invers")
