"""A finished adapter into a bank: its files first, then one atomic change of bank.toml, which keeps its comments.

At any moment the bank is whole, with the old adapter or with the new one: a kill can only leave a folder behind that
no bank.toml names.
"""

from __future__ import annotations

import os
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

from composer.bank.manifest import ADAPTER_FILES, BANK_FILE, Bank, load_bank, read_bank, sha256_of
from composer.errors import BankError
from composer.training.lock import alone
from composer.training.loss_curve import CSV_FILE, PICTURE_FILE
from composer.training.model_card import CARD_FILE
from composer.training.record import RECORD_FILE

EXTRAS = (RECORD_FILE, PICTURE_FILE, CARD_FILE)
STAGING = ".training"


def check_can_add(bank: Bank) -> None:
    """Raises BankError where the bank's folder takes no files: before hours of training, not after."""
    try:
        probe = bank.folder / (BANK_FILE + ".probe")
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise BankError(
            f"nothing can be written to the bank's folder {bank.folder} ({error.strerror or error}). Copy the bank to "
            "a folder of your own, or give --output."
        ) from error


def staging_folder(bank: Bank, task: str) -> Path:
    """Where an adapter is written before it counts: on the bank's own file system, so that moving it is atomic."""
    return bank.folder / STAGING / task


def put_adapter(bank: Bank, task: str, staged: Path, *, lock: Path) -> Bank:
    """Move the staged folder to its place and name it in bank.toml. Returns the bank as it is then. Raises BankError.

    An adapter that the bank had of the task is removed after that, with what was recorded of its training. Who trains
    for one bank shares the `lock` file.
    """
    with alone(lock, wait=True):
        # read anew: another process may have added its own meanwhile
        now = load_bank(bank.folder, ready=False, verify=False)
        old = dict(now.adapters).get(task)
        place = _place(now, task, staged)
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(staged, place)
        changed = _name_in_bank(now, task, place)
        if old and old.path and old.path != place:
            _remove(old.path)
        _tidy(now.folder / STAGING)
        return changed


def _place(bank: Bank, task: str, staged: Path) -> Path:
    """A folder that is free: the one that bank.toml names for it, else adapters/<task>, else with its hash behind."""
    source = dict(bank.adapters).get(task)
    named = [source.path] if source and source.path and source.missing else []
    plain = bank.folder / "adapters" / task
    digest = sha256_of(staged / ADAPTER_FILES[1])
    for place in (*named, plain, plain.with_name(f"{task}-{digest[:8]}"), plain.with_name(f"{task}-{digest}")):
        if not place.exists():
            return place
    raise BankError(f"every name for the adapter of {task} is taken in {plain.parent}. Remove those not in use.")


def _name_in_bank(bank: Bank, task: str, place: Path) -> Bank:
    path = bank.folder / BANK_FILE
    text = path.read_text(encoding="utf-8")
    try:
        changed = _edited(text, task, place.relative_to(bank.folder).as_posix(), place)
    except TOMLKitError as error:
        raise BankError(
            f"{path} cannot be edited: {error}. The adapter is in {place}; name it there by hand."
        ) from error
    read_bank(bank.folder, changed)  # refuses what it could not read back
    temporary = path.with_name(BANK_FILE + ".tmp")
    temporary.write_text(changed, encoding="utf-8")
    temporary.replace(path)
    return load_bank(bank.folder, ready=False, verify=False)


def _edited(text: str, task: str, path: str, folder: Path) -> str:
    document = tomlkit.parse(text)
    adapters: tomlkit.items.Table = document["adapters"]  # type: ignore[assignment]
    hashes = tomlkit.inline_table()
    for name in ADAPTER_FILES:
        hashes[name] = sha256_of(folder / name)
    if task not in adapters:
        adapters[task] = tomlkit.table()
    table: tomlkit.items.Table = adapters[task]  # type: ignore[assignment]
    for key in ("hub", "revision"):  # it was one of the Hub's
        table.pop(key, None)
    table["path"] = path
    table["sha256"] = hashes
    return tomlkit.dumps(document)


def _remove(folder: Path) -> None:
    """What belongs to an adapter and to its training; a file that someone else laid there stays."""
    ours = (folder / RECORD_FILE).is_file()
    for name in (*ADAPTER_FILES, CSV_FILE, *(EXTRAS if ours else ())):
        (folder / name).unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()


def _tidy(staging: Path) -> None:
    if staging.is_dir() and not any(staging.iterdir()):
        staging.rmdir()
