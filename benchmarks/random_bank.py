"""A bank of random weights in any shape of Llama, written to disk, so that it is opened as any bank is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from composer.bank.describe import write_bank_toml
from composer.bank.examples import Examples, read_examples, write_examples
from composer.bank.manifest import Bank, load_bank
from composer.bank.writing import write_adapter
from composer.merging import AdapterFactors, Stack

SHARD_BYTES = 2 * 10**9


@dataclass(frozen=True)
class Shape:
    config: LlamaConfig
    adapters: int
    rank: int
    rows: int
    """Examples per task in the index."""
    dtype: torch.dtype = torch.bfloat16
    quantization: str = "nf4"


def write_random_bank(folder: Path, shape: Shape, progress: Callable[[int, int], None]) -> Bank:
    """Tokenizer, encoder and examples are those of the embedded bank; base and adapters are noise."""
    embedded = load_bank("embedded")
    assert embedded.base.path is not None and embedded.examples is not None
    generator = torch.Generator().manual_seed(0)
    shapes = _write_base(folder / "base", embedded.base.path, shape, generator)
    tasks = embedded.tasks[: shape.adapters]
    for number, task in enumerate(tasks, start=1):
        adapter = _random_adapter(task, shapes, shape.rank, generator)
        write_adapter(folder / "adapters" / task, adapter, base_model_name="random", dtype=shape.dtype)
        progress(number, len(tasks))
    examples = read_examples(embedded.examples.path)
    write_examples(folder / "examples.parquet", _picked(examples, tasks, shape.rows))
    return write_bank_toml(
        folder,
        title="Random weights",
        description="For measurements only.",
        prompt_template=embedded.prompt_template,
        encoder_sha256=embedded.encoder.sha256,
        quantization=shape.quantization,
        adapters={task: f"adapters/{task}" for task in tasks},
    )


def _write_base(folder: Path, tokenizer: Path, shape: Shape, generator: torch.Generator) -> dict[str, tuple[int, int]]:
    """Shard by shard, never whole in memory. Returns the layers' (out_features, in_features)."""
    folder.mkdir(parents=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer / name, folder / name)
    shape.config.architectures = ["LlamaForCausalLM"]
    shape.config.save_pretrained(folder)
    with torch.device("meta"):
        model = LlamaForCausalLM(shape.config)
    places: dict[str, str] = {}
    for number, shard in enumerate(_shards(model.state_dict(), shape, generator), start=1):
        name = f"model-{number:05}.safetensors"
        save_file(shard, folder / name, metadata={"format": "pt"})
        places |= dict.fromkeys(shard, name)
    index = {"metadata": {}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    linear = ((name, module) for name, module in model.named_modules() if isinstance(module, torch.nn.Linear))
    return {name: (module.out_features, module.in_features) for name, module in linear if name != "lm_head"}


def _shards(state: dict[str, Tensor], shape: Shape, generator: torch.Generator) -> Iterator[dict[str, Tensor]]:
    shard: dict[str, Tensor] = {}
    for name, empty in state.items():
        values = torch.ones(empty.shape) if empty.dim() == 1 else torch.randn(empty.shape, generator=generator) * 0.02
        shard[name] = values.to(shape.dtype)
        if sum(tensor.nbytes for tensor in shard.values()) > SHARD_BYTES:
            yield shard
            shard = {}
    if shard:
        yield shard


def _random_adapter(
    name: str, shapes: dict[str, tuple[int, int]], rank: int, generator: torch.Generator
) -> AdapterFactors:
    """Its update is about a tenth of the weights' size, at alpha = rank / 2."""

    def noise(*size: int) -> Tensor:
        return torch.randn(*size, generator=generator) * 0.02

    stacks = [Stack((m,), noise(1, rank, i), noise(1, o, rank)) for m, (o, i) in shapes.items()]
    return AdapterFactors(name, name, 0.5, tuple(stacks))


def _picked(examples: Examples, tasks: tuple[str, ...], rows: int) -> Examples:
    picked = [row for task in tasks for row in examples.rows_of(task)[:rows]]
    columns = {f.name: getattr(examples, f.name) for f in fields(Examples)}
    vectors = columns.pop("vectors")
    return Examples(
        **{name: tuple(column[row] for row in picked) for name, column in columns.items()}, vectors=vectors[picked]
    )
