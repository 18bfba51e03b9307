"""What a merge method is: a pure function on aligned factors, and what the page and the checks know about it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from composer.config import MergeSettings


@dataclass(frozen=True, eq=False)
class Member:
    """One adapter's part in a group of modules that the same adapters have."""

    a: Tensor
    """(modules, rank, in_features), any floating type"""
    b: Tensor
    """(modules, out_features, rank)"""
    weight: float
    scaling: float
    key: str = ""
    """The adapter by content"""
    modules: tuple[str, ...] = ()
    """Of the group, one per slice of `a` and `b`"""

    @property
    def root_b(self) -> float:
        """The square root of |weight * scaling|: each factor carries half of the weight."""
        return math.sqrt(abs(self.weight * self.scaling))

    @property
    def root_a(self) -> float:
        """As `root_b`, with the sign of the weight: on both factors, it would cancel."""
        return math.copysign(self.root_b, self.weight * self.scaling)


MergeFunction = Callable[[Sequence[Member], MergeSettings], tuple[Tensor, Tensor]]
"""Members of one group to the merged factors A (modules, rank, in) and B (modules, out, rank), both fp32."""


@dataclass(frozen=True)
class Method:
    """A row of the registry: the function, and the facts that drive the page and the checks."""

    merge: MergeFunction
    title: str
    sentence: str
    """What the method does, for a person who has never heard of it."""
    prunes: bool = False
    """Reads `density`. Its members come pruned to it, unless it prunes `in_core_space`: by magnitude, or `seeded`."""
    seeded: bool = False
    """Prunes at random (DARE) and reads `seed`."""
    in_core_space: bool = False
    """Works on the adapters' cores: it takes their factors whole and prunes, if it does, the cores."""
    elects: bool = False
    """Reads `majority_sign_method`."""
    mixes_ranks: bool = False
    """Takes adapters of different ranks."""
    truncates: bool = False
    """Cuts the update to `svd_rank`, or else to the largest rank among the adapters."""
    exact: bool = False
    """Gives the weighted sum of the adapters' updates."""
    lists: bool = False
    """Can do so without a copy, as a list of the adapters' own factors."""
    evens: bool = False
    """Evens out singular values, so that one adapter alone comes out changed without being pruned."""

    @property
    def prunes_factors(self) -> bool:
        """Its members must come pruned."""
        return self.prunes and not self.in_core_space
