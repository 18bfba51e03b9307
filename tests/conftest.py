"""The embedded bank at work, opened once for all tests: they hold whatever its adapters answer."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import fields
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


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def composer(cache_dir: Path) -> Iterator[Composer]:
    from composer import Composer

    opened = Composer.open("embedded", cache_dir=cache_dir, device="cpu")
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
    """The embedded bank with two of its adapters and 20 examples of each. Read it only: see `copied_bank`."""
    from composer.bank.describe import write_bank_toml
    from composer.bank.examples import Examples, read_examples, write_examples
    from composer.bank.manifest import load_bank

    whole, folder = load_bank("embedded"), tmp_path_factory.mktemp("banks") / "small"
    assert whole.examples is not None
    examples = read_examples(whole.examples.path)
    rows = [row for task in SMALL for row in examples.rows_of(task)[:20]]
    columns = {f.name: getattr(examples, f.name) for f in fields(Examples)}
    vectors = columns.pop("vectors")
    sources = {"base": whole.base, **{f"adapters/{task}": whole.adapter(task) for task in SMALL}}
    for place, source in sources.items():
        assert source.path is not None
        shutil.copytree(source.path, folder / place)
    picked = {name: tuple(column[row] for row in rows) for name, column in columns.items()}
    write_examples(folder / "examples.parquet", Examples(**picked, vectors=vectors[rows]))
    write_bank_toml(
        folder,
        title="Small",
        description="Two tasks.",
        prompt_template=whole.prompt_template,
        encoder_sha256=whole.encoder.sha256,
        adapters={task: f"adapters/{task}" for task in SMALL},
    )
    return folder


@pytest.fixture
def copied_bank(small_bank: Path, tmp_path: Path) -> Path:
    """Its files are links to those of `small_bank`: to change one, unlink it and write it anew."""
    return Path(shutil.copytree(small_bank, tmp_path / "bank", copy_function=os.link))


@pytest.fixture
def cli(cache_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunCli:
    """Runs a command in this process, with the cache of the `composer` fixture."""
    from composer.cli import main

    for name in ("COMPOSER_BANK", "COMPOSER_INDEX", "COMPOSER_COLLECTION", "GRADIO_SERVER_PORT", "GRADIO_SERVER_NAME"):
        monkeypatch.delenv(name, raising=False)
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
