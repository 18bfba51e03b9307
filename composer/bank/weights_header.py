"""The header of a safetensors file, checked whole before a tensor is read: names, types, shapes, and no gaps."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeGuard

from composer.errors import AdapterError

MAX_HEADER_BYTES = 4 * 1024 * 1024
MAX_TENSORS = 10_000
MAX_FILE_BYTES = 8 * 1024**3
"""A rank of 512 on every projection of a 7b model takes 5 GB in float32."""
MAX_NAME = 512
_BYTES_PER_VALUE = {"F32": 4, "F16": 2, "BF16": 2}
_TENSOR_NAME = re.compile(r"base_model\.model\.(?P<module>\w+(?:\.\w+)*)\.lora_(?P<side>[AB])\.weight", re.ASCII)


@dataclass(frozen=True)
class LoraTensor:
    name: str
    module: str
    side: str
    """`A` (rank, in_features) or `B` (out_features, rank)"""
    shape: tuple[int, int]


def read_header(file: BinaryIO, size: int, name: str) -> tuple[LoraTensor, ...]:
    """The tensors of the adapter `name` in a file of `size` bytes. Raises AdapterError."""
    length = int.from_bytes(file.read(8), "little") if size >= 8 else size
    if size < 10 or length < 2:
        raise _damaged(name, f"it has {size:,} bytes, which is no safetensors file")
    if size > MAX_FILE_BYTES:
        raise _damaged(name, f"it has {size:,} bytes; {MAX_FILE_BYTES:,} are allowed")
    # Checked before the bytes are asked for: a stranger chose this number.
    if length > MAX_HEADER_BYTES:
        raise _damaged(name, f"its header claims {length:,} bytes; {MAX_HEADER_BYTES:,} are allowed")
    if length > size - 8:
        raise _damaged(
            name, f"its header claims {length:,} bytes of a file of {size:,}: it is cut off or no safetensors file"
        )
    entries = _entries(file.read(length), name)
    if not 0 < len(entries) <= MAX_TENSORS:
        raise _damaged(name, f"it holds {len(entries):,} tensors; 1 to {MAX_TENSORS:,} are supported")
    _check_layout(entries, size - 8 - length, name)
    return tuple(_lora_tensor(tensor, entries[tensor]["shape"], name) for tensor in sorted(entries))


def _entries(header: bytes, name: str) -> dict[str, dict[str, Any]]:
    # An entry takes one brace and 11 of the other marks. Counting takes milliseconds, parsing millions of them seconds.
    marks = sum(header.count(mark) for mark in (b":", b",", b"["))
    if marks > 15 * MAX_TENSORS or header.count(b"{") > MAX_TENSORS + 2:
        raise _damaged(name, f"its header describes more than {MAX_TENSORS:,} tensors")
    try:
        entries = json.loads(header, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise _damaged(name, f"its header is not valid ({error})") from error
    if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
        raise _damaged(name, "its header is not a table of tensors")
    return {tensor: entry for tensor, entry in entries.items() if tensor != "__metadata__"}


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a name occurs twice")
    return dict(pairs)


def _check_layout(entries: Mapping[str, Mapping[str, Any]], data_bytes: int, name: str) -> None:
    """Tensors lie one after the other and fill the file: no overlap, no gap, nothing missing at the end."""
    spans = sorted((*_span(tensor, entry, name), tensor) for tensor, entry in entries.items())
    position = 0
    for begin, end, tensor in spans:
        if begin != position:
            raise _damaged(name, f"the tensor {tensor[:MAX_NAME]!r} overlaps another or leaves a gap")
        position = end
    if position != data_bytes:
        raise _damaged(name, f"its tensors need {position:,} bytes and {data_bytes:,} are there")


def _span(tensor: str, entry: Mapping[str, Any], name: str) -> tuple[int, int]:
    dtype, shape, offsets = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
    if not isinstance(dtype, str) or dtype not in _BYTES_PER_VALUE:
        raise _damaged(name, f"the tensor {tensor[:MAX_NAME]!r} has type {dtype!r}; F32, F16 and BF16 are supported")
    if not _whole_numbers(shape, 2) or 0 in shape:
        raise _damaged(
            name,
            f"the tensor {tensor[:MAX_NAME]!r} has shape {shape!r}; a LoRA factor has two dimensions above 0",
        )
    if not _whole_numbers(offsets, 2) or offsets[1] - offsets[0] != math.prod(shape) * _BYTES_PER_VALUE[dtype]:
        raise _damaged(name, f"the bytes of the tensor {tensor[:MAX_NAME]!r} do not fit its shape {shape!r}")
    return offsets[0], offsets[1]


def _whole_numbers(values: object, count: int) -> TypeGuard[list[int]]:
    return isinstance(values, list) and len(values) == count and all(type(v) is int and v >= 0 for v in values)


def _lora_tensor(tensor: str, shape: list[int], name: str) -> LoraTensor:
    match = _TENSOR_NAME.fullmatch(tensor) if len(tensor) <= MAX_NAME else None
    if match is None:
        raise AdapterError(
            f"adapter {name!r} holds the tensor {tensor[:MAX_NAME]!r}, which is no factor of a plain LoRA "
            "(base_model.model.<module>.lora_A.weight or lora_B.weight). Export it with PEFT's save_pretrained."
        )
    return LoraTensor(tensor, match["module"], match["side"], (shape[0], shape[1]))


def _damaged(name: str, what: str) -> AdapterError:
    return AdapterError(f"the weights of adapter {name!r} are refused: {what}. Fetch or export the adapter again.")
