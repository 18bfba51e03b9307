"""Small banks and adapters on disk, made anew for the tests of this folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from composer.bank.describe import write_bank_toml
from composer.bank.examples import Examples, write_examples
from composer.bank.manifest import Bank
from composer.config import RetrievalSettings

HIDDEN, LAYERS = 16, 12
SHAPES = {
    f"model.layers.{layer}.self_attn.{kind}": (out, HIDDEN)
    for layer in range(LAYERS)
    for kind, out in (("q_proj", HIDDEN), ("v_proj", 8))
}
"""module -> (out, in) of a base with 12 layers, so that layer 10 comes after layer 9 only if someone cares."""


def plain_config(**changes: object) -> dict[str, object]:
    return {
        "peft_type": "LORA",
        "r": 4,
        "lora_alpha": 8,
        "bias": "none",
        "target_modules": ["q_proj", "v_proj"],
        **changes,
    }


def factors(seed: int = 0, rank: int = 4) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for module, (out, width) in SHAPES.items():
        tensors[f"base_model.model.{module}.lora_A.weight"] = torch.randn(rank, width, generator=generator)
        tensors[f"base_model.model.{module}.lora_B.weight"] = torch.randn(out, rank, generator=generator)
    return tensors


def write_raw_adapter(folder: Path, tensors: dict[str, torch.Tensor] | None = None, **config: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps(plain_config(**config)))
    save_file(factors() if tensors is None else tensors, folder / "adapter_model.safetensors")
    return folder


def made_examples(count: int = 6, vectors: bool = True) -> Examples:
    rows = range(count)
    return Examples(
        row_ids=tuple(f"row-{i}" for i in rows),
        tasks=tuple(("piqa", "boolq")[i % 2] for i in rows),
        hints=tuple(None if i == 0 else "Choose." for i in rows),
        contexts=tuple("A passage." if i % 2 else None for i in rows),
        questions=tuple(f"Question {i}? Ünïcode 🙂" for i in rows),
        options=tuple(("yes", "no") if i % 2 else ("a", "b", "c") for i in rows),
        golds=tuple(None if i == 3 else i % 2 for i in rows),
        texts=tuple(f"text {i}" for i in rows),
        vectors=np.random.default_rng(0).normal(size=(count, 384)).astype(np.float16) if vectors else None,
    )


def write_bank(folder: Path) -> Bank:
    (folder / "base").mkdir(parents=True)
    (folder / "base" / "config.json").write_text("{}")
    (folder / "base" / "model.safetensors").write_bytes(b"weights")
    for seed, task in enumerate(("boolq", "piqa")):
        write_raw_adapter(folder / "lora" / task, factors(seed))
    write_examples(folder / "examples.parquet", made_examples())
    write_examples(folder / "test.parquet", made_examples(vectors=False))
    (folder / "map.json").write_text("[]")
    return write_bank_toml(
        folder,
        title='A "small" bank — 100 %',
        description="Two tasks.\nMade by a test.",
        prompt_template="Question: {prompt}\nAnswer:",
        encoder_sha256="e" * 64,
        adapters={"piqa": "lora/piqa", "boolq": "lora/boolq"},
        retrieval=RetrievalSettings(top_k=50, top_p=0.5, kernel="exp"),
        evaluation="test.parquet",
        files=["map.json"],
    )
