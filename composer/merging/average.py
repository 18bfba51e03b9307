"""Average A and B by themselves, each with the whole weight, as the weights of whole models are averaged.

So LoraHub composes (arXiv:2307.13269), LoraRetriever fuses (arXiv:2402.09997) and adapter soups average.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from composer.config import MergeSettings
from composer.merging.linear import weighted_sum
from composer.merging.method import Member


def merge(members: Sequence[Member], settings: MergeSettings) -> tuple[Tensor, Tensor]:
    """A = sum of w sqrt(s) A_i and B = sum of w sqrt(s) B_i.

    As both factors carry the weight, the update has w_i w_j in front of B_i A_j: an adapter's own part goes by w²,
    and keeps its sign where the weight is negative; the cross terms with adapters of the other sign change theirs.
    """
    roots = [math.sqrt(abs(member.scaling)) for member in members]
    # A scaling that is negative belongs to the update, so one factor takes its sign.
    signed = [math.copysign(root, member.scaling) for root, member in zip(roots, members, strict=True)]
    a = weighted_sum([m.a for m in members], [m.weight * root for m, root in zip(members, signed, strict=True)])
    b = weighted_sum([m.b for m in members], [m.weight * root for m, root in zip(members, roots, strict=True)])
    return a, b
