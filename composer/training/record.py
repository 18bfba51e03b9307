"""What an adapter was trained from and how it went: training.json beside its weights, and the model card made of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from composer.errors import BankError

RECORD_FILE = "training.json"
_LIBRARIES = ("torch", "transformers", "peft", "bitsandbytes", "safetensors")


@dataclass(frozen=True)
class Record:
    task: str
    rows: int
    """Trained on."""
    left_out: int
    """Had no room in the model."""
    origin: str
    """Where the rows are from, in words."""
    steps: int
    first_loss: float
    loss: float
    """Mean of the last tenth of the logged losses."""
    identity: dict[str, Any]
    """Base, template, recipe and the rows' digest, see `checkpoints.Identity`."""
    versions: dict[str, str]

    def write(self, folder: Path) -> None:
        (folder / RECORD_FILE).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    def is_of(self, identity: Mapping[str, Any]) -> bool:
        """Whether a run of that identity would end with these weights, on the same machine."""
        return self.identity == json.loads(json.dumps(identity))  # tuples as the lists that they are in the file


def read_record(folder: Path) -> Record:
    """Raises BankError for one that is missing or not of this form."""
    try:
        return Record(**json.loads((folder / RECORD_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise BankError(f"{folder / RECORD_FILE} cannot be read: {error}. Train the adapter anew.") from error


def library_versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
