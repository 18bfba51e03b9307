from __future__ import annotations

from pathlib import Path

import pytest

from composer.tasks.task import Example
from tests.training.small import examples_of, save_base


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(tmp_path_factory.mktemp("base") / "base")


@pytest.fixture(scope="session")
def examples() -> list[Example]:
    return examples_of("sst2", 64)
