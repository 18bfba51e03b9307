"""Which index a bank is used with: its own in the cache, one in a folder of your choice, or one on a Chroma server."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from composer.bank.examples import read_examples
from composer.bank.manifest import Bank
from composer.errors import BankError, SearchIndexError, SettingsError
from composer.retrieval.build import IndexRows, Progress, build_index
from composer.retrieval.embedding import TextEncoder
from composer.retrieval.index import SearchIndex
from composer.retrieval.manifest import MANIFEST_FILE, IndexManifest
from composer.retrieval.server import ServerPlace, build_on_server, open_on_server

IndexPlace = Path | ServerPlace | None
"""A folder, a server, or None: the bank's own, in the cache."""


def place_named(name: str | None, collection: str | None = None) -> IndexPlace:
    """Of a setting that takes both a folder and a server's address. Raises SettingsError."""
    if name and "://" in name:
        return ServerPlace(name, collection) if collection else ServerPlace(name)
    if collection:
        raise SettingsError(
            f"the collection {collection!r} was named without a Chroma server. Give the server's address as the index."
        )
    return Path(name) if name else None


def open_index(
    bank: Bank,
    encoder: TextEncoder,
    cache_dir: Path,
    place: IndexPlace = None,
    *,
    progress: Progress | None = None,
    force: bool = False,
    only_bank_tasks: bool = False,
) -> SearchIndex:
    """The index of that place. The bank's own is built first where it is not there yet, or was built from others.

    Raises a ComposerError, also where the index holds examples of tasks that the bank has no adapter for, unless these
    are to be left out: `only_bank_tasks`.
    """
    if place is None:
        # os.path and not Path: a folder that may not be looked into is refused below, in words
        if force or not os.path.exists(index_folder(bank, cache_dir) / MANIFEST_FILE):
            build_bank_index(bank, encoder, cache_dir, progress=progress, force=force)
    index = open_index_at(bank, encoder, cache_dir, place)
    try:
        if only_bank_tasks:
            index.keep_only(bank.tasks)
        else:
            _check_adapters(index, bank)
    except BaseException:
        index.close()
        raise
    return index


def open_index_at(bank: Bank, encoder: TextEncoder, cache_dir: Path, place: IndexPlace = None) -> SearchIndex:
    """Only if it is there. A bank's own must be of its own examples; elsewhere any examples will do."""
    if isinstance(place, ServerPlace):
        return open_on_server(place, encoder.sha256)
    if place is not None:
        return SearchIndex.open(place, encoder.sha256)
    source = bank.examples.sha256 if bank.examples else None
    return SearchIndex.open(index_folder(bank, cache_dir), encoder.sha256, source)


def build_bank_index(
    bank: Bank,
    encoder: TextEncoder,
    cache_dir: Path,
    place: IndexPlace = None,
    *,
    progress: Progress | None = None,
    force: bool = False,
) -> IndexManifest:
    """From the vectors that the bank ships: nothing is embedded."""
    if bank.examples is None:
        raise BankError(
            f"the bank {bank.name!r} ships no examples, so it has no index of its own. Build one with `python -m "
            f"composer index build --bank {bank.reference} --source hub --output DIR`, then name it: --index DIR, or "
            "COMPOSER_INDEX=DIR for the page."
        )
    source, path = bank.examples.sha256, bank.examples.path
    if isinstance(place, ServerPlace):
        return build_on_server(
            place,
            lambda: _rows(bank, path),
            encoder_sha256=encoder.sha256,
            source_sha256=source,
            progress=progress or _silent,
            force=force,
        )
    return build_index(
        place or index_folder(bank, cache_dir),
        _rows(bank, path),
        encoder_sha256=encoder.sha256,
        source_sha256=source,
        progress=progress,
        force=force,
    )


def index_folder(bank: Bank, cache_dir: Path) -> Path:
    """One per bank and content of its examples: a changed bank never meets an old index."""
    origin = f"{bank.folder}:{bank.examples.sha256 if bank.examples else ''}"
    return cache_dir / "index" / f"{bank.name}-{hashlib.sha256(origin.encode()).hexdigest()[:12]}"


def _silent(done: int, total: int) -> None:
    return None


def _rows(bank: Bank, path: Path) -> IndexRows:
    examples = read_examples(path)
    if examples.vectors is None:
        raise BankError(f"the examples of the bank {bank.name!r} have no vectors. Rebuild the bank.")
    return IndexRows(examples.row_ids, examples.tasks, examples.texts, examples.vectors)


def _check_adapters(index: SearchIndex, bank: Bank) -> None:
    lacking = sorted(set(index.manifest.counts) - set(bank.tasks))
    if lacking:
        raise SearchIndexError(
            f"the example index in {index.where} holds examples of {', '.join(lacking)}, and the bank "
            f"{bank.name!r} has no adapter of that name. Leave them out with --only-bank-tasks (for the page, "
            f"COMPOSER_ONLY_BANK_TASKS=1), or build another from the same --source, with --bank {bank.name}."
        )
