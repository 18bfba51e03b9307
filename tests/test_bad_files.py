"""What disks and other processes do to banks, indexes and outputs: each harm is one sentence, never a traceback."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import composer.retrieval.build as building
from composer import Query
from composer.bank.manifest import load_bank
from composer.config import ROOT
from composer.errors import BankError, SearchIndexError
from composer.pipeline import Composer, index_folder, open_index
from composer.retrieval.build import IndexRows, build_index

ASK = ("predict", "--query", "Where?", "--option", "here", "--option", "there")
GOOD = ("a sports store", "a bakery")


def spoiled(path: Path, content: bytes) -> None:
    """Anew, because the file may be a link to one that other tests read."""
    path.unlink()
    path.write_bytes(content)


def failing(number: int) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


# The bank's files

FILES = ("base/config.json", "base/*.safetensors", "adapters/cb/adapter_model.safetensors", "examples.parquet")


@pytest.mark.parametrize("pattern", FILES)
@pytest.mark.parametrize("harm", ["missing", "truncated", "tampered"])
def test_a_harmed_file_of_a_bank_is_named(cli, refused, copied_bank: Path, pattern: str, harm: str):
    path = sorted(copied_bank.glob(pattern))[0]
    content = path.read_bytes()
    if harm == "missing":
        path.unlink()
    elif harm == "truncated":
        spoiled(path, content[: len(content) // 2])
    else:
        spoiled(path, content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(BankError, match=path.name):
        Composer.open(copied_bank)
    refused(cli("bank", "show", "--bank", copied_bank), path.name)


@pytest.mark.parametrize("content", [b"", b"title = ", b"\xff\xfe", b'title = "t"\n'])
def test_a_harmed_description_of_a_bank_is_named(cli, refused, copied_bank: Path, content: bytes):
    spoiled(copied_bank / "bank.toml", content)
    with pytest.raises(BankError, match="bank.toml"):
        Composer.open(copied_bank)
    refused(cli("bank", "show", "--bank", copied_bank), "bank.toml")


def test_an_adapter_that_was_changed_under_an_open_bank_is_not_merged(
    cli, refused, copied_bank: Path, tmp_path: Path, monkeypatch
):
    bank = load_bank(copied_bank)
    weights = copied_bank / "adapters" / "cb" / "adapter_model.safetensors"
    spoiled(weights, weights.read_bytes()[:-1] + b"\x00")
    monkeypatch.setattr("composer.bank.manifest.load_bank", lambda _, **__: bank)
    ended = cli("merge", "--weight=cb=1", "--method=cat", "--output", tmp_path / "merged")
    refused(ended, "adapter_model.safetensors has sha256")


# The index


def own_cache(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    monkeypatch.setenv("COMPOSER_CACHE", str(folder))
    return folder


def test_an_index_made_with_another_encoder_is_refused(
    composer: Composer, cli, refused, small_bank, tmp_path, monkeypatch
):
    bank, cache = load_bank(small_bank), own_cache(monkeypatch, tmp_path)
    assert bank.examples is not None
    vectors = np.random.default_rng(0).normal(size=(2, 384)).astype(np.float32)
    rows = IndexRows(("cb-0", "cb-1"), ("cb", "cb"), ("a", "b"), vectors)
    build_index(index_folder(bank, cache), rows, encoder_sha256="e" * 64, source_sha256=bank.examples.sha256)
    with pytest.raises(SearchIndexError, match="made with another encoder"):
        open_index(bank, composer.encoder, cache)
    with pytest.raises(SearchIndexError, match="made with another encoder"):
        Composer.open(bank, cache_dir=cache)
    refused(cli("index", "check", "--bank", small_bank), "made with another encoder.*index build --force")


def test_a_truncated_index_is_refused(composer: Composer, cli, refused, small_bank: Path, tmp_path: Path, monkeypatch):
    bank, cache = load_bank(small_bank), own_cache(monkeypatch, tmp_path)
    index = open_index(bank, composer.encoder, cache)
    index.close()
    largest = max((p for p in index.folder.rglob("*.bin")), key=lambda path: path.stat().st_size)
    spoiled(largest, largest.read_bytes()[:100])
    with pytest.raises(SearchIndexError, match=largest.name):
        Composer.open(bank, cache_dir=cache)
    refused(cli("index", "check", "--bank", small_bank), f"{largest.name} is not as it was built")
    shutil.rmtree(index.folder / "chroma")
    refused(cli("index", "check", "--bank", small_bank), "lacks its file")
    assert cli("index", "build", "--force", "--bank", small_bank).status == 0


def test_an_index_that_is_in_use_is_refused_to_a_second_process(composer: Composer, cache_dir: Path):
    command = [sys.executable, "-m", "composer", "index", "check", "--bank", str(composer.bank.folder)]
    environment = {**os.environ, "COMPOSER_CACHE": str(cache_dir)}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"is in use by process {os.getpid()}" in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr


def test_an_index_that_is_in_use_is_not_built_anew_under_its_reader(composer: Composer, cli, refused):
    refused(cli("index", "build", "--force"), "is in use by this process")
    assert len(composer.retrieve(Query("Where?", GOOD), composer.default_settings())) == 100


# Folders that take no files


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_read_only_cache_is_one_sentence(cli, refused, small_bank: Path, tmp_path: Path, monkeypatch, number: int):
    own_cache(monkeypatch, tmp_path / "cache")
    monkeypatch.setattr(Path, "mkdir", failing(number))
    refused(cli("index", "build", "--bank", small_bank), "is read-only.*COMPOSER_CACHE")
    refused(cli(*ASK, "--bank", small_bank), "is read-only.*COMPOSER_CACHE")


def test_a_file_in_the_caches_place_is_one_sentence(cli, refused, small_bank: Path, tmp_path: Path, monkeypatch):
    (tmp_path / "file").touch()
    own_cache(monkeypatch, tmp_path / "file")
    refused(cli("index", "build", "--bank", small_bank), "cannot be written.*COMPOSER_CACHE")
    with pytest.raises(SearchIndexError, match="cannot be written"):
        Composer.open(small_bank, cache_dir=tmp_path / "file")


def test_no_space_for_the_index_is_one_sentence_and_leaves_none(
    cli, refused, small_bank: Path, tmp_path: Path, monkeypatch
):
    own_cache(monkeypatch, tmp_path)
    with monkeypatch.context() as full:
        full.setattr(building, "write_manifest", failing(errno.ENOSPC))
        ended = cli("index", "build", "--bank", small_bank)
    assert (ended.status, ended.out) == (1, "")
    assert "no space is left for the example index" in ended.err.splitlines()[-1]
    refused(cli("index", "check", "--bank", small_bank), "no finished example index")


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "No space left"), (errno.EROFS, "Read-only file system")])
def test_a_merge_that_cannot_be_written_is_one_sentence(
    cli, refused, small_bank: Path, tmp_path: Path, monkeypatch, number: int, words: str
):
    monkeypatch.setattr(Path, "write_bytes", failing(number))
    given = ("merge", "--bank", small_bank, "--weight=cb=1", "--method=cat", "--output", tmp_path / "merged")
    refused(cli(*given), f"cannot be written to .*merged: {words}.*Choose another folder")


def test_a_file_in_the_place_of_a_folder_is_one_sentence(cli, refused, small_bank: Path, tmp_path: Path):
    (tmp_path / "file").touch()
    given = ("merge", "--bank", small_bank, "--weight=cb=1", "--method=cat", "--output")
    refused(cli(*given, tmp_path / "file"), "is a file")
    refused(cli(*given, tmp_path / "file" / "merged"), "cannot be written|is a file")
    refused(cli("evaluate", "--limit=1", "--output", tmp_path / "file" / "r.json"), "results cannot be written")


def test_results_that_cannot_be_written_are_refused_before_the_work(cli, refused, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(Path, "touch", failing(errno.EROFS))
    refused(cli("evaluate", "--limit=1", "--output", tmp_path / "r.json"), "Read-only file system")
