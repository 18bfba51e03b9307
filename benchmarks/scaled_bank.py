"""Banks of any size from one that is there: more adapters, each with weights of its own, and equal work per question.

The index keeps its rows and vectors. What changes is which adapter a row belongs to: the rows around one question all
go to the same copies of their tasks, and the rows around another question to other copies. So a question meets the same
neighbours, the same weights and as many adapters in every bank, and only the number to choose from differs.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.questions import SHORT, typed
from composer.bank.describe import write_bank_toml
from composer.bank.examples import Examples, write_examples
from composer.bank.manifest import ADAPTER_FILES, Bank
from composer.bank.reading import read_adapter
from composer.bank.sources import folder_of
from composer.bank.writing import write_adapter
from composer.merging import AdapterFactors
from composer.merging.cache import bytes_of
from composer.retrieval.encoder import Encoder
from composer.types import Query

NEIGHBOURHOOD = 105
"""Rows around a question that stay together: the 100 that are searched for, and some to spare."""
RANK = 2
"""To which the adapters of all banks are cut: a thousand of the bank's own would take 5 GB of disk."""


@dataclass(frozen=True, eq=False)
class Neighbourhoods:
    questions: tuple[Query, ...]
    rows: tuple[frozenset[int], ...]
    """Per question, its nearest rows among the examples. No row is in two of them."""


def neighbourhoods(bank: Bank, encoder: Encoder, examples: Examples, limit: int) -> Neighbourhoods:
    """Of short questions and the bank's own, as they come, those whose neighbours are not yet taken."""
    candidates = (*SHORT, *typed(examples))[: 10 * limit]
    vectors = encoder.encode([query.retrieval_text for query in candidates])
    assert examples.vectors is not None
    stored = examples.vectors.astype(np.float32)
    near = np.argsort(-(vectors @ stored.T), axis=1)[:, :NEIGHBOURHOOD]
    questions: list[Query] = []
    chosen: list[frozenset[int]] = []
    for query, row in zip(candidates, near.tolist(), strict=True):
        if len(chosen) < limit and not any(other & set(row) for other in chosen):
            questions.append(query)
            chosen.append(frozenset(row))
    return Neighbourhoods(tuple(questions), tuple(chosen))


def write_scaled(
    folder: Path,
    bank: Bank,
    base: Path,
    examples: Examples,
    around: Neighbourhoods,
    size: int,
    progress: Callable[[int, int], None],
) -> int:
    """A bank of `size` adapters in `folder`, ready to be opened. Returns the bytes of one adapter in memory."""
    names = [copy_name(bank.tasks[i % len(bank.tasks)], i // len(bank.tasks)) for i in range(size)]
    shutil.copytree(base, folder / "base")
    originals = {task: _read(bank, task) for task in bank.tasks}
    generator = torch.Generator().manual_seed(size)
    for number, name in enumerate(names):
        adapter = originals[bank.tasks[number % len(bank.tasks)]]
        own = adapter if number < len(bank.tasks) else _perturbed(adapter, generator)
        write_adapter(folder / "adapters" / name, own, base_model_name=bank.base_name, dtype=torch.float16)
        progress(number + 1, size)
    write_examples(folder / "examples.parquet", _assigned(examples, around, set(names)))
    write_bank_toml(
        folder,
        title=f"{size} adapters",
        description=f"Copies of the adapters of {bank.name}, with noise.",
        prompt_template=bank.prompt_template,
        encoder_sha256=bank.encoder.file_sha256,
        adapters={name: f"adapters/{name}" for name in names},
    )
    return max(bytes_of(adapter.stacks) for adapter in originals.values())


def copy_name(task: str, number: int) -> str:
    return task if number == 0 else f"{task}_{number:02}"


def _assigned(examples: Examples, around: Neighbourhoods, names: set[str]) -> Examples:
    tasks = list(examples.tasks)
    for number, rows in enumerate(around.rows):
        for row in rows:
            tasks[row] = _nth_copy(examples.tasks[row], number, names)
    columns = {f.name: getattr(examples, f.name) for f in fields(Examples)}
    return Examples(**{**columns, "tasks": tuple(tasks)})


def _nth_copy(task: str, number: int, names: set[str]) -> str:
    copies = [copy for n in range(number + 1) if (copy := copy_name(task, n)) in names]
    return copies[number % len(copies)]


def _read(bank: Bank, task: str) -> AdapterFactors:
    """Cut to a few of its ranks: as much work for every question in every bank."""
    adapter = read_adapter(folder_of(bank.adapter(task), ADAPTER_FILES)[0], name=task)
    stacks = tuple(replace(s, a=s.a[:, :RANK].contiguous(), b=s.b[..., :RANK].contiguous()) for s in adapter.stacks)
    return replace(adapter, stacks=stacks)


def _perturbed(adapter: AdapterFactors, generator: torch.Generator) -> AdapterFactors:
    def noisy(factor: torch.Tensor) -> torch.Tensor:
        return factor * (1 + 0.02 * torch.randn(factor.shape, generator=generator))

    return replace(adapter, stacks=tuple(replace(s, a=noisy(s.a), b=noisy(s.b)) for s in adapter.stacks))


def as_json(questions: Sequence[Query]) -> list[dict[str, object]]:
    return [{"text": q.text, "options": q.options, "context": q.context, "hint": q.hint} for q in questions]
