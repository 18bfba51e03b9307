"""An adapter's folder to stacked factors. Config and header are checked whole before the first tensor is read."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load as load_tensors

from composer.bank.adapter_config import MAX_CONFIG_BYTES, LoraShape, parse_config
from composer.bank.manifest import ADAPTER_FILES
from composer.bank.schema import is_inside
from composer.bank.weights_header import LoraTensor, read_header
from composer.errors import AdapterError
from composer.merging.factors import AdapterFactors, Stack

BaseShapes = Mapping[str, tuple[int, int]]
"""Module name in the base model -> (out_features, in_features)."""


def read_adapter(
    folder: Path,
    *,
    name: str,
    base_shapes: BaseShapes | None = None,
    sha256: Mapping[str, str] | None = None,
    within: Path | None = None,
) -> AdapterFactors:
    """Factors in float32, modules of one kind and shape in one stack, in the order of their layers.

    `sha256` (file name -> digest) is checked where it is given. Symbolic links may lead no further than `within` (by
    default the folder itself). Raises AdapterError for an adapter that is damaged, unsafe, does not fit the base, or is
    anything but a plain LoRA.
    """
    config_path, weights_path = (_checked_file(folder, file, name, within or folder) for file in ADAPTER_FILES)
    with config_path.open("rb") as file:
        config = file.read(MAX_CONFIG_BYTES + 1)
    lora = parse_config(config, name)
    _check_sha256(config_path, hashlib.sha256(config).hexdigest(), sha256, name)
    with weights_path.open("rb") as file:
        tensors = read_header(file, os.fstat(file.fileno()).st_size, name)
        modules = _modules(tensors, lora, base_shapes, name)
        file.seek(0)
        content = file.read()
    # Hashed and parsed from the same bytes: a file that changes in between cannot pass as the one that was hashed.
    digest = hashlib.sha256(content).hexdigest()
    _check_sha256(weights_path, digest, sha256, name)
    stacks = _stacks(modules, load_tensors(content), name)
    key = hashlib.sha256(f"{digest} {lora.scaling!r}".encode()).hexdigest()
    return AdapterFactors(name=name, key=key, scaling=lora.scaling, stacks=stacks)


def _checked_file(folder: Path, file: str, name: str, within: Path) -> Path:
    path = folder / file
    try:
        mode = path.stat().st_mode
    except OSError as error:
        unsafe = sorted(p.name for p in folder.glob("adapter_model.*")) if folder.is_dir() else []
        hint = (
            f"; {unsafe[0]} is not read, because such a file can run code"
            if unsafe and file == ADAPTER_FILES[1]
            else ""
        )
        raise AdapterError(
            f"adapter {name!r}: {file} cannot be read in {folder} ({error.strerror}){hint}. "
            "Export the adapter with safe_serialization=True."
        ) from error
    if not stat.S_ISREG(mode):
        raise AdapterError(f"adapter {name!r}: {file} in {folder} is not a file. Put the adapter's own file there.")
    if not is_inside(within, path):
        raise AdapterError(f"adapter {name!r}: {file} is a link that leads out of {within}. Put the file itself there.")
    return path


def _check_sha256(path: Path, found: str, sha256: Mapping[str, str] | None, name: str) -> None:
    expected = (sha256 or {}).get(path.name, found)
    if found != expected:
        raise AdapterError(
            f"adapter {name!r}: {path.name} has sha256 {found[:12]}…, and the bank says {expected[:12]}…: it is "
            "damaged or was changed. Restore it."
        )


def _modules(
    tensors: Sequence[LoraTensor], lora: LoraShape, base_shapes: BaseShapes | None, name: str
) -> dict[str, tuple[LoraTensor, LoraTensor]]:
    """module -> (A, B), checked against each other, the config's rank and the base's shapes."""
    sides: dict[str, dict[str, LoraTensor]] = {}
    for tensor in tensors:
        sides.setdefault(tensor.module, {})[tensor.side] = tensor
    pairs: dict[str, tuple[LoraTensor, LoraTensor]] = {}
    for module, found in sides.items():
        if len(found) != 2:
            present = "A" if "A" in found else "B"
            raise AdapterError(f"adapter {name!r} has only lora_{present} for {module}. Fetch or export it again.")
        pairs[module] = (found["A"], found["B"])
        _check_shapes(module, found["A"].shape, found["B"].shape, lora.rank, base_shapes, name)
    return pairs


def _check_shapes(
    module: str, a: tuple[int, int], b: tuple[int, int], rank: int, base_shapes: BaseShapes | None, name: str
) -> None:
    if a[0] != rank or b[1] != rank:
        raise AdapterError(
            f"adapter {name!r}: {module} has factors {a} and {b}; its config says rank {rank}. Export it again."
        )
    if base_shapes is None:
        return
    if module not in base_shapes:
        raise AdapterError(
            f"adapter {name!r} changes {module}, which the base model does not have. Was it made for another base?"
        )
    if (b[0], a[1]) != tuple(base_shapes[module]):
        raise AdapterError(
            f"adapter {name!r}: {module} is made for {b[0]} x {a[1]} weights and the base has "
            f"{' x '.join(map(str, base_shapes[module]))}. Was it made for another base?"
        )


def _stacks(
    modules: Mapping[str, tuple[LoraTensor, LoraTensor]], tensors: Mapping[str, torch.Tensor], name: str
) -> tuple[Stack, ...]:
    groups: dict[tuple[str, tuple[int, int], tuple[int, int]], list[str]] = {}
    for module, (a, b) in modules.items():
        groups.setdefault((_kind(module), a.shape, b.shape), []).append(module)
    return tuple(_stack(sorted(groups[group], key=_layer_order), modules, tensors, name) for group in sorted(groups))


def _stack(
    names: Sequence[str],
    modules: Mapping[str, tuple[LoraTensor, LoraTensor]],
    tensors: Mapping[str, torch.Tensor],
    name: str,
) -> Stack:
    a = torch.stack([tensors[modules[module][0].name].float() for module in names])
    b = torch.stack([tensors[modules[module][1].name].float() for module in names])
    if not (torch.isfinite(a).all() and torch.isfinite(b).all()):
        raise AdapterError(
            f"adapter {name!r} holds a value that is not a finite number in {_kind(names[0])}. Train or fetch it again."
        )
    return Stack(tuple(names), a, b)


def _kind(module: str) -> str:
    """The last part of a module's name with its parent, such as "self_attn.q_proj"."""
    return ".".join(module.split(".")[-2:])


def _layer_order(module: str) -> tuple[tuple[int, int, str], ...]:
    """Layer 10 comes after layer 9."""
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in module.split("."))
