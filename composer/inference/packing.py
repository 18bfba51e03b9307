"""A prompt and all its options in one row, so the prompt is computed once and nothing is padded or cached.

    prompt prompt prompt | option 1 | option 2 ...     every option sees the prompt and itself, never another option

Positions restart after the prompt for every option, so each token stands where it would stand alone. The last token of
an option is never fed: nothing is predicted from it. Options of one token therefore cost nothing beyond the prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class PackedRow:
    """One row of the batch; every slot runs the same one."""

    ids: Tensor
    """(tokens,) the prompt, then every option but its last token"""
    positions: Tensor
    """(tokens,)"""
    visible: Tensor
    """(tokens, tokens) bool: may the row's token see the column's?"""
    predictors: Tensor
    """(scored,) for each scored token, option by option, the place in the row that predicts it"""
    targets: Tensor
    """(scored,) the scored tokens' ids"""
    lengths: tuple[int, ...]
    """Scored tokens per option; they sum to `scored`."""


def pack(prompt: Sequence[int], options: Sequence[Sequence[int]]) -> PackedRow:
    """`prompt` and every option hold at least one token."""
    ids, positions, owners = list(prompt), list(range(len(prompt))), [0] * len(prompt)
    predictors: list[int] = []
    for number, option in enumerate(options, start=1):
        fed = len(option) - 1
        predictors += [len(prompt) - 1, *range(len(ids), len(ids) + fed)]
        ids += option[:-1]
        positions += range(len(prompt), len(prompt) + fed)
        owners += [number] * fed
    return PackedRow(
        ids=torch.tensor(ids),
        positions=torch.tensor(positions),
        visible=_visible(torch.tensor(owners)),
        predictors=torch.tensor(predictors),
        targets=torch.tensor([token for option in options for token in option]),
        lengths=tuple(len(option) for option in options),
    )


def joined(rows: Sequence[PackedRow]) -> PackedRow:
    """Rows of several prompts as one, in which none sees another: nothing is padded, each scores as it would alone."""
    starts = [0, *accumulate(len(row.ids) for row in rows)]
    return PackedRow(
        ids=torch.cat([row.ids for row in rows]),
        positions=torch.cat([row.positions for row in rows]),
        visible=torch.block_diag(*(row.visible for row in rows)).bool(),
        predictors=torch.cat([row.predictors + start for row, start in zip(rows, starts[:-1], strict=True)]),
        targets=torch.cat([row.targets for row in rows]),
        lengths=tuple(length for row in rows for length in row.lengths),
    )


def _visible(owners: Tensor) -> Tensor:
    """owners: (tokens,) 0 for the prompt, else the number of the option. Returns (tokens, tokens) bool."""
    causal = torch.ones(len(owners), len(owners), dtype=torch.bool).tril()
    return causal & ((owners == 0) | (owners == owners[:, None]))


def additive_mask(visible: Tensor, dtype: torch.dtype) -> Tensor:
    """The mask as attention adds it to its scores: (1, 1, tokens, tokens), shared by all slots and heads."""
    mask = torch.zeros(visible.shape, dtype=dtype).masked_fill_(~visible, torch.finfo(dtype).min)
    return mask[None, None]
