"""Whether a folder holds a whole download: a stopped one leaves files out or cut off, which looks like damage later."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

INDEX_FILE = "model.safetensors.index.json"
_LARGEST_HEADER = 100_000_000


def incomplete(folder: Path, patterns: Sequence[str]) -> str:
    """What the folder lacks of the files asked for, in words; empty where it is whole. Reads headers only."""
    return next(_faults(folder, patterns), "")


def _faults(folder: Path, patterns: Sequence[str]) -> Iterator[str]:
    for name in (pattern for pattern in patterns if "*" not in pattern):
        if not (folder / name).is_file():
            yield f"{name} is missing"
    if "*.safetensors" in patterns:
        yield from _missing_weights(folder)
    for weights in sorted(path for pattern in patterns for path in folder.glob(pattern) if _holds_weights(path)):
        lacking = missing_bytes(weights)
        if lacking:
            yield f"{weights.name} is cut off: {lacking:,} bytes are missing"


def _holds_weights(path: Path) -> bool:
    return path.suffix == ".safetensors" and path.is_file()


def _missing_weights(folder: Path) -> Iterator[str]:
    for name in ("config.json", "tokenizer.json"):
        if not (folder / name).is_file():
            yield f"{name} is missing"
    index = folder / INDEX_FILE
    if index.is_file():
        yield from _missing_shards(index)
    elif not any(folder.glob("*.safetensors")):
        yield "there are no weights as *.safetensors"


def _missing_shards(index: Path) -> Iterator[str]:
    try:
        names = sorted({str(name) for name in json.loads(index.read_bytes())["weight_map"].values()})
    except (ValueError, KeyError, AttributeError, TypeError):
        yield f"{INDEX_FILE} cannot be read"
        return
    yield from (f"{name} is missing" for name in names if not (index.parent / name).is_file())


def missing_bytes(weights: Path) -> int:
    """By what its own header says of its length. Another fault of the header is for the weights' reader to name."""
    size = weights.stat().st_size
    with weights.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(_LARGEST_HEADER, size - 8):
            return max(1, min(length, _LARGEST_HEADER) + 8 - size)
        try:
            entries = json.loads(file.read(length))
            end = max(entry["data_offsets"][1] for name, entry in entries.items() if name != "__metadata__")
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            return 0
    return max(0, 8 + length + end - size)
