"""Banks by name or folder: bank.toml read and its files checked before anything is loaded. No torch, no network."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path

from composer.bank.description import PLACEHOLDER, Bank, ShippedFile
from composer.bank.parsing import ADAPTER_FILES, QUANTIZATIONS, parse_bank
from composer.bank.schema import is_inside
from composer.bank.sources import Source, sha256_of
from composer.config import ADAPTERS
from composer.errors import BankError, unknown

BANK_FILE = "bank.toml"


def load_bank(name_or_path: str | Path, *, verify: bool = True, ready: bool = True, banks: Path = ADAPTERS) -> Bank:
    """A bank by its name among `banks`, or by its folder.

    Raises BankError: unknown, malformed, incomplete, (with `verify`) tampered with, or (with `ready`) not to be used
    yet, because adapters have still to be trained or because files are not pinned. A bank that is being made, shown or
    trained for need not be ready.
    """
    folder = bank_folder(name_or_path, banks)
    bank = read_bank(folder)
    _check_present(bank)
    if ready:
        check_ready(bank)
    if verify:
        bank.verify()
    return bank


def read_bank(folder: Path, text: str | None = None) -> Bank:
    """What bank.toml (or `text` in its place) says, with no look at the files. Raises BankError."""
    where = f"{folder.name}/{BANK_FILE}"
    try:
        values = tomllib.loads((folder / BANK_FILE).read_text(encoding="utf-8") if text is None else text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BankError(f"{where} is not valid TOML: {error}. Correct it there.") from error
    except OSError as error:
        raise BankError(f"{where} cannot be read: {error}. Check the file's permissions.") from error
    return parse_bank(folder, values, where)


def check_ready(bank: Bank) -> None:
    """Raises BankError where the bank cannot answer yet."""
    if bank.unpinned:
        raise BankError(
            f"the bank {bank.name!r} does not say exactly which files it means: {_some(bank.unpinned)} "
            "need a commit of 40 hexadecimal digits (or, of files that ship, a sha256), which never changes. "
            f"Run `python -m composer bank pin {bank.reference}`."
        )
    if bank.untrained:
        raise BankError(
            f"the bank {bank.name!r} has adapters that are not trained yet: {_some(bank.untrained)}. "
            f"Run `python -m composer train --bank {bank.reference} --task all`, or remove them from its {BANK_FILE}."
        )


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def bank_names(banks: Path = ADAPTERS) -> tuple[str, ...]:
    return tuple(sorted(path.parent.name for path in banks.glob(f"*/{BANK_FILE}")))


def bank_folder(name_or_path: str | Path, banks: Path = ADAPTERS) -> Path:
    """Where the bank's bank.toml is. Raises BankError where there is none."""
    try:
        return _found(name_or_path, banks)
    except OSError as error:  # a name that no file can have, or a folder that may not be looked into
        raise BankError(
            f"the bank {str(name_or_path)[:100]!r} cannot be looked for ({error.strerror}). Give a bank's name or its "
            "folder."
        ) from error


def _found(name_or_path: str | Path, banks: Path) -> Path:
    path = Path(name_or_path)
    by_name = isinstance(name_or_path, str) and path.name == name_or_path and name_or_path not in ("", ".", "..")
    if by_name and (banks / name_or_path / BANK_FILE).is_file():
        return banks / name_or_path
    if (path / BANK_FILE).is_file():
        return path.resolve()
    if by_name:
        names = bank_names(banks)
        if not names:
            raise BankError(f"there is no bank {name_or_path!r}, and none at all in {banks}. Make one with `bank new`.")
        raise BankError(unknown("bank", str(name_or_path), names))
    raise BankError(
        f"there is no {BANK_FILE} in {path}. Give a bank's folder, or one of: {', '.join(bank_names(banks))}."
    )


def _check_files(bank: Bank, folder: Path, names: Iterable[str], remedy: str) -> None:
    for name in names:
        if not (folder / name).is_file():
            raise BankError(f"the bank {bank.name!r} lacks its file {folder / name}. {remedy}.")


def _check_present(bank: Bank) -> None:
    for shipped in bank.shipped():
        if not shipped.path.is_file():
            raise BankError(f"the bank {bank.name!r} lacks its file {shipped.path}. Restore it, or rebuild the bank.")
    for task, source in bank.adapters:
        if source.path and not source.sha256 and not source.train:
            _check_files(bank, source.path, ADAPTER_FILES, f"Put the adapter of {task} there")
    base = bank.base.path
    if base is None or not is_inside(bank.folder, base):
        return
    if not bank.base.sha256:
        _check_files(bank, base, ("config.json",), "Put the base model there")
        return
    # Transformers reads what it finds: an adapter or code laid beside the weights would be loaded with them.
    named = {base / name for name, _ in bank.base.sha256}
    extra = sorted(p for p in base.rglob("*") if p.is_file() and p not in named and not p.name.startswith("."))
    if extra:
        raise BankError(
            f"the base model's folder of the bank {bank.name!r} holds {extra[0].relative_to(base)}, which its "
            "bank.toml does not name. Remove it, or add its sha256."
        )


__all__ = [
    "ADAPTER_FILES",
    "BANK_FILE",
    "PLACEHOLDER",
    "QUANTIZATIONS",
    "Bank",
    "ShippedFile",
    "Source",
    "bank_folder",
    "bank_names",
    "check_ready",
    "load_bank",
    "read_bank",
    "sha256_of",
]
