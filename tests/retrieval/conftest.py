from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

# index_rows lives beside the tests.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished index that no test may change."""
    from index_rows import build

    folder = tmp_path_factory.mktemp("index")
    build(folder)
    return folder


@pytest.fixture
def copied(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "index", ignore=shutil.ignore_patterns("index.lock")))
