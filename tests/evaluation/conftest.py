from __future__ import annotations

from pathlib import Path

import pytest
from tiny_bank import write_task_rows


@pytest.fixture(scope="session")
def folder_of_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Test and development rows of three tasks; one development row is bad."""
    folder = tmp_path_factory.mktemp("rows")
    write_task_rows(folder, ("copa", "cb", "imdb"), "test")
    write_task_rows(folder, ("copa",), "dev")
    with (folder / "copa" / "dev.jsonl").open("a") as file:
        file.write('{"premise": "No label."}\n')
    return folder
