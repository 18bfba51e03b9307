"""Banks of random weights, opened as any bank is: any shape of Llama, or a bank whose adapters are not trained yet.

    python -m benchmarks.random_bank FOLDER --rank 8

gives the bank in FOLDER an adapter of noise for every task that has none: what it takes of time and memory can then be
measured, and what it answers means nothing. Do it to a copy.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import AutoConfig, LlamaConfig, LlamaForCausalLM

from composer.bank.describe import write_bank_toml
from composer.bank.examples import Examples, read_examples, write_examples
from composer.bank.manifest import Bank, load_bank
from composer.bank.writing import write_adapter
from composer.config import AppSettings
from composer.errors import ComposerError
from composer.inference.gguf import base_folder
from composer.inference.planning import plan_base
from composer.merging import AdapterFactors, Stack
from composer.reports import ProgressLine
from composer.training.into_bank import put_adapter, staging_folder

SHARD_BYTES = 2 * 10**9
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Shape:
    config: LlamaConfig
    """Its vocabulary becomes that of the bank whose tokenizer is taken."""
    adapters: int
    rank: int
    rows: int
    """Examples per task in the index, at most."""
    dtype: torch.dtype = torch.bfloat16
    quantization: str = "nf4"


def write_random_bank(folder: Path, shape: Shape, like: Bank, cache_dir: Path, progress: Progress) -> Bank:
    """Tokenizer, encoder and examples are those of the bank `like`; base and adapters are noise."""
    assert like.examples is not None
    generator = torch.Generator("cuda" if torch.cuda.is_available() else "cpu").manual_seed(0)
    _write_base(folder / "base", base_folder(like.base, cache_dir), shape, generator)
    shapes = _adapted(folder / "base")
    examples = read_examples(like.examples.path)
    tasks = tuple(task for task in like.tasks if task in set(examples.tasks))[: shape.adapters]
    for number, task in enumerate(tasks, start=1):
        adapter = _random_adapter(task, shapes, shape.rank, generator)
        write_adapter(folder / "adapters" / task, adapter, base_model_name="random", dtype=shape.dtype)
        progress(number, len(tasks))
    write_examples(folder / "examples.parquet", _picked(examples, tasks, shape.rows))
    return write_bank_toml(
        folder,
        title="Random weights",
        description="For measurements only.",
        prompt_template=like.prompt_template,
        encoder_sha256=like.encoder.file_sha256,
        quantization=shape.quantization,
        adapters={task: f"adapters/{task}" for task in tasks},
    )


def fill_with_noise(bank: Bank, cache_dir: Path, rank: int, progress: Progress = lambda done, total: None) -> Bank:
    """The bank with random adapters, in fp16, in the places of those that are still to be trained."""
    shapes = _adapted(base_folder(bank.base, cache_dir))
    generator = torch.Generator().manual_seed(0)
    tasks = bank.untrained
    for number, task in enumerate(tasks, start=1):
        staged = staging_folder(bank, task)
        adapter = _random_adapter(task, shapes, rank, generator)
        write_adapter(staged, adapter, base_model_name=bank.base_name, dtype=torch.float16)
        put_adapter(bank, task, staged, lock=bank.folder / ".noise.lock")
        progress(number, len(tasks))
    (bank.folder / ".noise.lock").unlink(missing_ok=True)
    return load_bank(bank.folder)


def _adapted(base: Path) -> dict[str, tuple[int, int]]:
    """The layers that an adapter updates, and their (out_features, in_features)."""
    return {name: shape for name, shape in plan_base(base, "none").module_shapes.items() if name != "lm_head"}


def _write_base(folder: Path, like: Path, shape: Shape, generator: torch.Generator) -> None:
    """Shard by shard, never whole in memory."""
    folder.mkdir(parents=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(like / name, folder / name)
    shape.config.architectures = ["LlamaForCausalLM"]
    shape.config.vocab_size = AutoConfig.from_pretrained(like).vocab_size
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


def _shards(state: dict[str, Tensor], shape: Shape, generator: torch.Generator) -> Iterator[dict[str, Tensor]]:
    shard: dict[str, Tensor] = {}
    for name, empty in state.items():
        values = torch.ones(empty.shape) if empty.dim() == 1 else _noise(generator, *empty.shape)
        shard[name] = values.to("cpu", shape.dtype)
        if sum(tensor.nbytes for tensor in shard.values()) > SHARD_BYTES:
            yield shard
            shard = {}
    if shard:
        yield shard


def _random_adapter(
    name: str, shapes: Mapping[str, tuple[int, int]], rank: int, generator: torch.Generator
) -> AdapterFactors:
    """Its update is about a tenth of the weights' size, at alpha = rank / 2."""
    stacks = [
        Stack((module,), _noise(generator, 1, rank, columns), _noise(generator, 1, rows, rank))
        for module, (rows, columns) in shapes.items()
    ]
    return AdapterFactors(name, name, 0.5, tuple(stacks))


def _noise(generator: torch.Generator, *size: int) -> Tensor:
    return torch.randn(*size, generator=generator, device=generator.device) * 0.02


def _picked(examples: Examples, tasks: tuple[str, ...], rows: int) -> Examples:
    picked = [row for task in tasks for row in examples.rows_of(task)[:rows]]
    columns = {f.name: getattr(examples, f.name) for f in fields(Examples)}
    vectors = columns.pop("vectors")
    return Examples(
        **{name: tuple(column[row] for row in picked) for name, column in columns.items()}, vectors=vectors[picked]
    )


def main() -> int:
    parser = argparse.ArgumentParser("python -m benchmarks.random_bank", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rank", type=int, default=8)
    arguments = parser.parse_args()
    try:
        bank = load_bank(arguments.folder, ready=False)
        cache_dir = AppSettings.from_env(os.environ).cache_dir
        fill_with_noise(bank, cache_dir, arguments.rank, ProgressLine("Random adapters", sys.stderr))
    except ComposerError as error:
        sys.stderr.write(f"random_bank: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
