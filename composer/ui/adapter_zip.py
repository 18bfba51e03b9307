"""The merge behind a card as a file: an adapter in PEFT's format, zipped."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

from composer.bank.manifest import ADAPTER_FILES, Bank
from composer.bank.reading import read_adapter
from composer.bank.sources import folder_of
from composer.bank.writing import write_adapter
from composer.errors import MergeError
from composer.merging import merge, method_named
from composer.merging.factors import AdapterFactors
from composer.ui.running import Run

MAX_BYTES = 512 * 1024**2
"""Of the adapters that are read for it: a larger merge is for the command line."""


def adapter_zip(bank: Bank, run: Run, method: str) -> bytes:
    """Merged anew from the bank's files, in fp32 and in main memory, so it asks for no GPU. Raises ComposerError."""
    method_named(method)
    weights = run.trace.weights.kept
    folders = [folder_of(bank.adapter(task), ADAPTER_FILES) for task, _ in weights]
    _check_size([folder for folder, _ in folders], method, weights)
    adapters: list[AdapterFactors] = []
    for (task, _), (folder, within) in zip(weights, folders, strict=True):
        hashes = dict(bank.adapter(task).sha256)
        adapters.append(read_adapter(folder, name=task, sha256=hashes, within=within))
    merged = merge(method, adapters, weights, run.inputs.settings().merge)
    with tempfile.TemporaryDirectory() as scratch:
        folder = write_adapter(Path(scratch), merged, base_model_name=bank.base_name)
        return _zipped(folder, f"{method}-adapter")


def _check_size(folders: list[Path], method: str, weights: tuple[tuple[str, float], ...]) -> None:
    size = sum((folder / ADAPTER_FILES[1]).stat().st_size for folder in folders)
    if size > MAX_BYTES:
        asked = " ".join(f"--weight {task}={weight:.4f}" for task, weight in weights)
        raise MergeError(
            f"these adapters have {size / 1024**2:,.0f} MB; the page merges up to {MAX_BYTES / 1024**2:,.0f} MB. "
            f"Use the command line: python -m composer merge --method {method} {asked} --output merged"
        )


def _zipped(folder: Path, name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for file in ADAPTER_FILES:
            archive.write(folder / file, f"{name}/{file}")
    return buffer.getvalue()
