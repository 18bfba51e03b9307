from __future__ import annotations

from pathlib import Path

import pytest

from composer.microworld.rows import make_rows
from composer.tasks import TASKS
from composer.tasks.task import Example
from composer.training.base import BaseRecipe, train_base


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of 2 layers, 32 wide, that has read next to nothing."""
    folder = tmp_path_factory.mktemp("base")
    recipe = BaseRecipe(
        hidden_size=32, layers=2, heads=2, intermediate_size=64, vocab_size=600, max_tokens=128, batch_tokens=256,
        stages=((4, 64, "all"),), cycles=(4,), warmup=2,
    )  # fmt: skip
    train_base(folder / "base", folder / "work", recipe, compiled=False)
    return folder / "base"


@pytest.fixture(scope="session")
def examples() -> list[Example]:
    return [TASKS["sst2"].example(row, str(number)) for number, row in enumerate(make_rows("sst2", "train", 64))]
