"""Writing down in a bank.toml exactly which files it means: commits of the Hub, sha256 of what ships.

Comments and order stay as they are. What is written is read back first, so that a bank.toml is never replaced by a
worse one.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import tomlkit
from tomlkit.items import InlineTable
from tomlkit.toml_document import TOMLDocument

from composer.bank.hub import commit_of, weights_sha256
from composer.bank.manifest import ADAPTER_FILES, BANK_FILE, Bank, load_bank, read_bank
from composer.bank.schema import is_commit
from composer.bank.sources import WEIGHTS, Source, file_of, sha256_of
from composer.errors import BankError

DEFAULT_REVISION = "main"


def pin_bank(bank: Bank) -> Bank:
    """The bank with every commit and sha256 that bank.toml lacked. Adapters that are not trained yet stay so.

    Asks the Hub where a revision is no commit. Raises BankError and changes nothing where one cannot be had.
    """
    document = tomlkit.parse(_text(bank))
    for task, source in bank.adapters:
        _pin_source(_table(document, "adapters", task), source, ADAPTER_FILES, bank)
    base_files = _files_below(bank.base.path) if bank.base.path else ()
    if "base" in bank.unpinned:
        _pin_source(_table(document, "base"), bank.base, base_files, bank)
    _pin_encoder(document, bank)
    _pin_files(document, bank)
    return _replaced(bank, document)


def _text(bank: Bank) -> str:
    return (bank.folder / BANK_FILE).read_text(encoding="utf-8")


def _replaced(bank: Bank, document: TOMLDocument) -> Bank:
    text = tomlkit.dumps(document)
    read_bank(bank.folder, text)
    temporary = bank.folder / (BANK_FILE + ".tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(bank.folder / BANK_FILE)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise BankError(f"{BANK_FILE} in {bank.folder} cannot be written: {error.strerror or error}.") from error
    return load_bank(bank.folder, ready=False, verify=False)


def _pin_source(table: MutableMapping[str, Any], source: Source, files: Sequence[str], bank: Bank) -> None:
    if source.pinned:
        return
    if source.hub is not None and not is_commit(source.revision):
        table["revision"] = commit_of(source.hub, source.revision or DEFAULT_REVISION)
    if source.file is not None and not source.file_sha256:
        table["sha256"] = sha256_of(file_of(replace(source, revision=table.get("revision"))))
    elif source.path is not None:
        table["sha256"] = _hashes(source.path, files, bank)


def _pin_encoder(document: TOMLDocument, bank: Bank) -> None:
    encoder, table = bank.encoder, _table(document, "encoder")
    if encoder.pinned:
        return
    if encoder.hub is None:
        raise BankError(
            f"the encoder {encoder.title!r} of the bank {bank.name!r} has no sha256. Add that of its "
            "model.safetensors to [encoder]."
        )
    revision = encoder.revision
    if revision is None or not is_commit(revision):
        revision = commit_of(encoder.hub, revision or DEFAULT_REVISION)
    table["revision"] = revision
    table["sha256"] = dict(encoder.sha256).get(WEIGHTS) or weights_sha256(encoder.hub, revision)


def _pin_files(document: TOMLDocument, bank: Bank) -> None:
    for name, file in (("examples", bank.examples), ("evaluation", bank.evaluation)):
        if file is not None and not file.pinned:
            _table(document, name)["sha256"] = sha256_of(file.path)
    for file in bank.files:
        if not file.pinned:
            _table(document, "files")[file.path.relative_to(bank.folder).as_posix()] = sha256_of(file.path)


def _table(document: TOMLDocument, *keys: str) -> MutableMapping[str, Any]:
    """tomlkit's types tell a table from a value only at run time."""
    found: Any = document
    for key in keys:
        found = found[key]
    return cast("MutableMapping[str, Any]", found)


def _hashes(folder: Path, files: Sequence[str], bank: Bank) -> InlineTable:
    table = tomlkit.inline_table()
    for name in files:
        if not (folder / name).is_file():
            raise BankError(f"the bank {bank.name!r} lacks its file {folder / name}, so it cannot be described.")
        table[name] = sha256_of(folder / name)
    return table


def _files_below(folder: Path) -> list[str]:
    return sorted(
        p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".")
    )
