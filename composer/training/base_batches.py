"""What the base model reads at a time: whole documents in rows, what each token counts, and where it should look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from tokenizers import Encoding
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from composer.microworld.marks import KINDS, parse
from composer.microworld.prose import documents


@dataclass(frozen=True)
class Batch:
    """Rows of whole documents, each followed by the end token; what is left of a row is padding."""

    ids: Tensor
    """(rows, width + 1)"""
    weights: Tensor
    """(rows, width + 1): how much a token counts in the loss; 0 for padding"""
    links: Tensor
    """(kinds, rows, width): the position that a token should look at, for each kind of link; -1 where there is none"""


@dataclass(frozen=True)
class _Document:
    ids: list[int]
    weights: list[float]
    links: list[tuple[int, int, int]]
    """(kind, from, to)"""


def batches_of(
    tokenizer: PreTrainedTokenizerFast, *, tokens: int, width: int, mix: str, seed: int, decided_weight: float
) -> Iterator[Batch]:
    """Endless batches of `tokens // width` rows. A document that is longer than a row is cut; none begins in its
    middle, since half a document would hold questions about a text that is not there, and teach to guess."""
    documents_ = _documents(tokenizer, mix, seed, decided_weight)
    pool: list[_Document] = []
    while True:
        count = tokens // width
        batch = Batch(
            ids=torch.full((count, width + 1), tokenizer.pad_token_id),
            weights=torch.zeros(count, width + 1),
            links=torch.full((len(KINDS), count, width), -1),
        )
        for row in range(count):
            _fill_row(batch, row, pool, documents_, width)
        yield batch


def _documents(tokenizer: PreTrainedTokenizerFast, mix: str, seed: int, decided_weight: float) -> Iterator[_Document]:
    for marked in documents(seed, mix):
        text = parse(marked)
        encoding: Encoding = tokenizer.backend_tokenizer.encode(text.text)
        token_at = {char: token for token, (start, end) in enumerate(encoding.offsets) for char in range(start, end)}
        weights = [decided_weight if any(text.decided[start:end]) else 1.0 for start, end in encoding.offsets]
        links = [(KINDS.index(link.kind), token_at[link.at], token_at[link.to]) for link in text.links]
        yield _Document([*encoding.ids, tokenizer.eos_token_id], [*weights, 1.0], links)


def _fill_row(batch: Batch, row: int, pool: list[_Document], source: Iterator[_Document], width: int) -> None:
    """The oldest document of the pool, then always the longest that still fits."""
    start = 0
    while True:
        pool += [next(source) for _ in range(64 - len(pool))]
        fitting = [n for n, document in enumerate(pool) if len(document.ids) <= width + 1 - start]
        if start and not fitting:
            return
        chosen = max(fitting, key=lambda n: len(pool[n].ids)) if start else 0
        start += _place(batch, row, start, pool.pop(chosen), width)
        if start > width:
            return


def _place(batch: Batch, row: int, start: int, document: _Document, width: int) -> int:
    """Returns the tokens that were placed."""
    count = min(len(document.ids), width + 1 - start)
    batch.ids[row, start : start + count] = torch.tensor(document.ids[:count])
    batch.weights[row, start : start + count] = torch.tensor(document.weights[:count])
    for kind, at, to in document.links:
        if start + at < width:
            batch.links[kind, row, start + at] = start + to
    return count
