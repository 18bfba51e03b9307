"""A tiny bank of noise at work, made and opened once for all tests: they hold whatever its adapters answer."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from composer import Composer, Query


class Ended(NamedTuple):
    status: int
    out: str
    err: str


SMALL = ("cb", "copa")
RunCli = Callable[..., Ended]


@pytest.fixture(scope="session", autouse=True)
def float32() -> Iterator[None]:
    """The same numbers on every machine: some CPUs multiply bf16, and would compute in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: False)
        yield


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def tiny_bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bank's folder with random adapters for all 22 tasks. Read it only."""
    from tiny_bank import write_tiny_bank

    return write_tiny_bank(tmp_path_factory.mktemp("banks") / "tiny").folder


@pytest.fixture(scope="session")
def composer(tiny_bank: Path, cache_dir: Path) -> Iterator[Composer]:
    from composer import Composer

    opened = Composer.open(tiny_bank, cache_dir=cache_dir, device="cpu")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def queries(composer: Composer) -> tuple[Query, ...]:
    """Eight of the bank's own test questions, of eight tasks."""
    from composer.bank.examples import read_examples

    assert composer.bank.evaluation is not None
    examples = read_examples(composer.bank.evaluation.path)
    return tuple(examples.query(examples.rows_of(task)[0]) for task in composer.bank.tasks[:8])


@pytest.fixture(scope="session")
def small_bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bank with two adapters and six examples of each. Read it only: see `copied_bank`."""
    from tiny_bank import write_tiny_bank

    return write_tiny_bank(tmp_path_factory.mktemp("banks") / "small", SMALL).folder


@pytest.fixture(scope="session")
def smollm_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base of the bank that ships, converted once for all tests that need it: half a minute. Read it only."""
    from composer.bank.manifest import load_bank
    from composer.inference.gguf import base_folder

    bank = load_bank("smollm2-135m", ready=False)
    return base_folder(bank.base, tmp_path_factory.mktemp("cache-of-what-ships"))


@pytest.fixture(scope="session")
def shipped(smollm_base: Path) -> Iterator[Composer]:
    """The bank that ships, for the few tests that are about it."""
    from composer import Composer

    opened = Composer.open("smollm2-135m", cache_dir=smollm_base.parent.parent, device="cpu")
    yield opened
    opened.close()


@pytest.fixture
def copied_bank(small_bank: Path, tmp_path: Path) -> Path:
    """Its files are links to those of `small_bank`: to change one, unlink it and write it anew."""
    return Path(shutil.copytree(small_bank, tmp_path / "bank", copy_function=os.link))


@pytest.fixture
def cli(
    tiny_bank: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> RunCli:
    """Runs a command in this process, with the bank and the cache of the `composer` fixture."""
    from composer.cli import main

    for name in ("COMPOSER_INDEX", "COMPOSER_COLLECTION", "GRADIO_SERVER_PORT", "GRADIO_SERVER_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COMPOSER_BANK", str(tiny_bank))
    monkeypatch.setenv("COMPOSER_CACHE", str(cache_dir))

    def run(*argv: str | Path) -> Ended:
        capsys.readouterr()
        try:
            status = main([str(part) for part in argv])
        except SystemExit as left:
            status = int(left.code or 0)
        return Ended(status, *capsys.readouterr())

    return run


@pytest.fixture
def refused() -> Callable[[Ended, str], None]:
    def check(ended: Ended, words: str) -> None:
        """Status 1, nothing on stdout, and one line on stderr that holds the words."""
        assert (ended.status, ended.out) == (1, ""), ended
        assert re.fullmatch(r"composer: [^\n]+\n", ended.err), ended.err
        assert re.search(words, ended.err), ended.err

    return check


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """An empty disk with room for 8 MB; skipped where this user may not make one."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)]
    if os.getuid() != 0 or not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a small disk needs the right to mount one")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)
