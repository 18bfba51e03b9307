"""TIES: trim, elect a sign per entry, average what agrees with it (Yadav et al., 2023, arXiv:2306.01708).

The paper ignores the weights. Here, as in PEFT, trimming and election ignore them, while values carry sqrt(w s) and are
divided by how many adapters agree: the update shrinks when weight sits on few adapters of many.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from composer.config import MergeSettings
from composer.merging.method import Member

CPU_CHUNK, GPU_CHUNK = 2**17, 2**24
"""Entries, over all adapters, in the air at once: half a megabyte per temporary stays in a processor's second-level
cache, 64 MB keep a GPU busy and most of its memory free."""


def merge(members: Sequence[Member], settings: MergeSettings) -> tuple[Tensor, Tensor]:
    """The members come trimmed. Adapters of weight zero still vote and count, as they do in PEFT."""
    elect = settings.majority_sign_method
    a = _merge_factor([member.a for member in members], [member.root_a for member in members], elect)
    b = _merge_factor([member.b for member in members], [member.root_b for member in members], elect)
    return a, b


def _merge_factor(tensors: Sequence[Tensor], factors: Sequence[float], elect: str) -> Tensor:
    flat = [tensor.reshape(-1) for tensor in tensors]
    weights = torch.tensor(factors, device=flat[0].device).unsqueeze(1)
    merged = torch.empty(flat[0].shape, dtype=torch.float32, device=flat[0].device)
    size = max(1, (CPU_CHUNK if merged.device.type == "cpu" else GPU_CHUNK) // len(flat))
    for start in range(0, len(merged), size):
        chunk = torch.stack([tensor[start : start + size] for tensor in flat]).float()
        merged[start : start + size] = _agreeing_mean(chunk, weights, elect)
    return merged.view(tensors[0].shape)


def _agreeing_mean(entries: Tensor, weights: Tensor, elect: str) -> Tensor:
    """(adapters, entries), used up, to (entries,). Without a majority, plus is elected; zero where nobody agrees."""
    signs = entries.sign()
    votes = (signs if elect == "frequency" else entries).sum(0)
    elected = votes.ge(0).float().mul_(2).sub_(1)
    agrees = signs.mul_(elected).clamp_(min=0)
    return entries.mul_(weights).mul_(agrees).sum(0).div_(agrees.sum(0).clamp_(min=1))
