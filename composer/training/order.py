"""The order in which rows are seen: a function of seed and epoch alone, so that a resumed run sees the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch.utils.data import Sampler
from transformers.trainer_pt_utils import get_length_grouped_indices


class EpochOrder(Sampler[int]):
    """Rows of like length together, which spares padding, in another order each epoch.

    The Trainer's own sampler draws from the global random state, which after a resume within an epoch is another one.
    """

    def __init__(self, lengths: Sequence[int], group: int, seed: int, epoch: Callable[[], int]) -> None:
        """`group`: rows of one step of the optimizer. `epoch` is asked when the first row is."""
        self.lengths = list(lengths)
        self.group = group
        self.seed = seed
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed * 1_009 + self.epoch())
        return iter(get_length_grouped_indices(self.lengths, self.group, generator=generator))
