from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from composer.config import ADAPTERS
from composer.microworld.rows import make_rows
from composer.tasks import TASKS
from composer.tasks.task import Example


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of 2 layers, 32 wide, with random weights and the embedded bank's tokenizer."""
    folder = tmp_path_factory.mktemp("base") / "base"
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, vocab_size=4_096,
        max_position_embeddings=128, tie_word_embeddings=True,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(ADAPTERS / "embedded" / "base" / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def examples() -> list[Example]:
    return [TASKS["sst2"].example(row, str(number)) for number, row in enumerate(make_rows("sst2", "train", 64))]
