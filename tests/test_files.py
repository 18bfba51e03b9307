from __future__ import annotations

import os
import random
import signal
from pathlib import Path
from time import sleep

import pytest

from composer.files import disk_of, free_bytes, whole_folder


def write(folder: Path, word: str) -> None:
    with whole_folder(folder, last="config") as beside:
        for name in ("weights", "config"):
            (beside / name).write_text(word * 10_000, encoding="utf-8")


def read(folder: Path) -> set[str]:
    return {(folder / name).read_text(encoding="utf-8") for name in ("weights", "config")}


def test_a_process_that_is_killed_leaves_a_whole_folder_or_none(tmp_path: Path):
    chance = random.Random(0)
    for number in range(50):
        folder = tmp_path / f"out{number}"
        child = os.fork()
        if not child:
            write(folder, "a")
            os._exit(0)
        sleep(chance.random() * 0.004)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        if folder.exists():
            assert read(folder) == {"a" * 10_000}
        # what a kill left behind is in nobody's way
        write(folder, "b")
        assert read(folder) == {"b" * 10_000}
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_each_file_of_a_folder_that_is_there_is_old_or_new(tmp_path: Path):
    write(tmp_path / "out", "a")
    (tmp_path / "out" / "notes").write_text("mine", encoding="utf-8")
    with pytest.raises(KeyboardInterrupt):
        with whole_folder(tmp_path / "out", last="config") as beside:
            (beside / "weights").write_text("half", encoding="utf-8")
            raise KeyboardInterrupt
    assert read(tmp_path / "out") == {"a" * 10_000}
    write(tmp_path / "out", "b")
    assert read(tmp_path / "out") == {"b" * 10_000}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["config", "notes", "weights"]


def test_a_full_disk_keeps_nothing_of_what_did_not_fit(small_disk: Path):
    assert disk_of(small_disk / "not" / "there") == f"the disk {small_disk} (8 MB of 8 MB free)"
    with pytest.raises(OSError, match="No space left"):
        with whole_folder(small_disk / "out", last="config") as beside:
            (beside / "weights").write_bytes(bytes(9_000_000))
    assert list(small_disk.iterdir()) == []
    assert free_bytes(small_disk) > 8_000_000


def test_a_merge_on_a_full_disk_names_it_and_can_be_made_again(small_disk: Path, cli, refused):
    asked = ("merge", "--method", "cat", "--weight", "copa=1", "--output", small_disk / "merged")
    filler = small_disk / "filler"
    filler.write_bytes(bytes(free_bytes(small_disk) - 8_000))
    refused(
        cli(*asked),
        rf"cannot be written to .*: No space left on device, on the disk {small_disk} \(0 MB of 8 MB free\)",
    )
    assert [path.name for path in small_disk.iterdir()] == ["filler"]
    filler.unlink()
    assert cli(*asked).status == 0


def test_a_download_on_a_full_disk_keeps_nothing_of_it(small_disk: Path):
    from composer.errors import ComposerError
    from composer.ui.server.downloads import Downloads

    with pytest.raises(ComposerError, match=f"No space left on device, on the disk {small_disk}"):
        Downloads(small_disk).put("a.zip", bytes(9_000_000))
    assert list(small_disk.iterdir()) == []
