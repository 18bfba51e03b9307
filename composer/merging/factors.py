"""Adapters as stacked factors: all modules of one kind in one tensor, so a merge is a few batched operations."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Stack:
    """Modules of one kind and shape, such as the q_proj of every layer."""

    modules: tuple[str, ...]
    """Names in the base model, such as "model.layers.0.self_attn.q_proj"; one per slice of `a` and `b`."""
    a: Tensor
    """(modules, rank, in_features)"""
    b: Tensor
    """(modules, out_features, rank)"""
    scale: float = 1.0
    """The update is scale * B @ A. Other than 1 only in a merge that lists its adapters' own factors."""

    @property
    def shape(self) -> tuple[int, int]:
        """(out_features, in_features) of each module"""
        return self.b.shape[1], self.a.shape[2]

    @property
    def nbytes(self) -> int:
        return self.a.nbytes + self.b.nbytes


@dataclass(frozen=True, eq=False)
class AdapterFactors:
    """One LoRA adapter: the update of a module is scaling * B @ A."""

    name: str
    key: str
    """Identifies the content (sha256 of the weights and the scaling): caches go by it, never by the name."""
    scaling: float
    """alpha / rank"""
    stacks: tuple[Stack, ...]

    @property
    def rank(self) -> int:
        return self.stacks[0].a.shape[1]


@dataclass(frozen=True, eq=False)
class MergedAdapter:
    """The result of a method. Its scaling is 1: the update of a module is B @ A."""

    method: str
    weights: tuple[tuple[str, float], ...]
    """(adapter name, weight) as asked for"""
    stacks: tuple[Stack, ...]
    """Ranks may differ between stacks (cat, where an adapter lacks a module). A module may stand in several stacks
    (cat as a list of its adapters' factors): then its update is their sum."""
