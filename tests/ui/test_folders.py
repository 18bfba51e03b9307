from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from composer.config import AppSettings
from composer.ui.server import folders
from composer.ui.server.folders import settle_folders, temporary_folder


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's folder for temporary files."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


@pytest.fixture
def forbidden(tmp_path: Path) -> Path:
    """A folder that nobody can make, root neither: a file is in the way."""
    (tmp_path / "file").write_text("")
    return tmp_path / "file" / "cache"


def test_folders_that_take_files_stay_as_they_are(tmp_path: Path):
    said: list[str] = []
    env = {"HOME": str(tmp_path)}
    settings = AppSettings(cache_dir=tmp_path / "cache")
    assert settle_folders(settings, env, said.append) == settings
    assert env == {"HOME": str(tmp_path), "GRADIO_TEMP_DIR": str(tmp_path / "cache" / "gradio")}
    assert said == []


def test_where_the_code_folder_is_read_only_a_temporary_one_takes_its_place_and_a_line_says_so(
    temporary: Path, forbidden: Path, tmp_path: Path
):
    said: list[str] = []
    settled = settle_folders(AppSettings(cache_dir=forbidden), {"HOME": str(tmp_path)}, said.append)
    assert settled.cache_dir.parent == temporary
    assert settled.cache_dir.stat().st_mode & 0o077 == 0
    assert len(said) == 1
    assert str(forbidden) in said[0]
    assert "COMPOSER_CACHE" in said[0]


def test_a_cache_that_was_named_is_never_replaced(forbidden: Path, tmp_path: Path):
    said: list[str] = []
    env = {"COMPOSER_CACHE": str(forbidden), "HOME": str(tmp_path)}
    assert settle_folders(AppSettings(cache_dir=forbidden), env, said.append).cache_dir == forbidden
    assert said == []


@pytest.mark.parametrize("home", [None, "/nonexistent"])
def test_without_a_home_that_takes_files_the_libraries_get_one_in_the_cache(tmp_path: Path, home: str | None):
    env = {"HOME": home} if home else {}
    settle_folders(AppSettings(cache_dir=tmp_path), env, print)
    assert env["HOME"] == str(tmp_path / "home")
    assert Path(env["HOME"]).is_dir()


def test_the_temporary_folder_is_the_same_at_every_start(temporary: Path):
    assert temporary_folder() == temporary_folder()


def test_a_temporary_folder_of_that_name_that_is_not_ours_is_left_alone(temporary: Path, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (temporary / f"adapter-composer-{os.getuid()}").symlink_to(elsewhere)
    found = temporary_folder()
    assert found.resolve() != elsewhere
    assert folders.takes_files(found)
