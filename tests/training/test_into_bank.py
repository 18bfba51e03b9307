"""A bank is whole at every moment while an adapter is put into it, and its bank.toml keeps what else it says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from composer.bank.manifest import ADAPTER_FILES, load_bank
from composer.errors import SettingsError
from composer.training import into_bank
from composer.training.into_bank import put_adapter, staging_folder
from composer.training.lock import alone


def stage(bank: Path, task: str, like: str) -> Path:
    """Another task's adapter in the place of one that was just trained."""
    loaded = load_bank(bank, ready=False)
    source = loaded.adapter(like).path
    assert source is not None
    staged = staging_folder(loaded, task)
    staged.mkdir(parents=True)
    for name in ADAPTER_FILES:
        shutil.copy(source / name, staged / name)
    return staged


def put(bank: Path, task: str, like: str, lock: Path) -> None:
    put_adapter(load_bank(bank, ready=False), task, stage(bank, task, like), lock=lock)


def test_a_kill_between_the_files_and_bank_toml_leaves_the_old_adapter(copied_bank: Path, tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    def dies(*_: object) -> None:
        raise Killed

    before = load_bank(copied_bank).adapter("cb")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(into_bank, "_name_in_bank", dies)
        put(copied_bank, "cb", "copa", tmp_path / "bank.lock")
    assert load_bank(copied_bank).adapter("cb") == before
    put(copied_bank, "cb", "copa", tmp_path / "bank.lock")
    after = load_bank(copied_bank).adapter("cb")
    assert after.sha256 == load_bank(copied_bank).adapter("copa").sha256
    assert before.path and not (before.path / ADAPTER_FILES[1]).exists()


def test_a_new_task_and_comments_stand_beside_what_was_there(copied_bank: Path, tmp_path: Path) -> None:
    text = (copied_bank / "bank.toml").read_text()
    (copied_bank / "bank.toml").unlink()
    (copied_bank / "bank.toml").write_text(text.replace("[prompt]", "# as in training\n[prompt]") + "# the end\n")
    put(copied_bank, "rte", "cb", tmp_path / "bank.lock")
    changed = (copied_bank / "bank.toml").read_text()
    assert "# as in training\n[prompt]" in changed and "# the end" in changed
    assert [line for line in text.splitlines() if line not in changed.splitlines()] == []
    bank = load_bank(copied_bank)
    assert bank.tasks == ("cb", "copa", "rte")
    assert bank.adapter("rte").path == copied_bank / "adapters" / "rte"


def test_a_file_that_someone_laid_beside_an_adapter_stays(copied_bank: Path, tmp_path: Path) -> None:
    folder = load_bank(copied_bank).adapter("cb").path
    assert folder is not None
    (folder / "notes.txt").write_text("mine")
    put(copied_bank, "cb", "copa", tmp_path / "bank.lock")
    assert (folder / "notes.txt").read_text() == "mine"
    assert not (folder / ADAPTER_FILES[0]).exists()


def test_one_task_is_trained_by_one_process(tmp_path: Path) -> None:
    with (
        alone(tmp_path / "cb.lock", wait=False),
        pytest.raises(SettingsError, match="another process is training cb"),
        alone(tmp_path / "cb.lock", wait=False),
    ):
        pass
