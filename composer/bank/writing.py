"""Factors to an adapter in PEFT's format, so that a merge can be used wherever a LoRA can."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import save as save_tensors

from composer.bank.adapter_config import MAX_RANK
from composer.bank.manifest import ADAPTER_FILES
from composer.errors import AdapterError
from composer.files import disk_of, is_full, whole_folder
from composer.merging.factors import AdapterFactors, MergedAdapter


def write_adapter(
    folder: str | Path,
    adapter: MergedAdapter | AdapterFactors,
    *,
    base_model_name: str,
    dtype: torch.dtype = torch.float32,
) -> Path:
    """Writes adapter_config.json and adapter_model.safetensors, and returns the folder.

    PEFT knows one rank per adapter, so stacks of a smaller rank are padded with zeros, which add nothing. lora_alpha is
    set so that alpha / r is the factors' own scaling: r itself for a merge. Raises AdapterError.
    """
    if dtype not in (torch.float32, torch.float16, torch.bfloat16):
        raise AdapterError(f"an adapter is written as float32, float16 or bfloat16, not {dtype}.")
    if not adapter.stacks:
        raise AdapterError("the adapter holds no factors, so there is nothing to write. Merge at least one adapter.")
    modules = [module for stack in adapter.stacks for module in stack.modules]
    if len(set(modules)) < len(modules) or any(stack.scale != 1 for stack in adapter.stacks):
        raise AdapterError("the merge is a list of other adapters' factors. Merge again with listed=False to write it.")
    rank = max(stack.a.shape[1] for stack in adapter.stacks)
    if rank > MAX_RANK:
        raise AdapterError(
            f"the adapter has rank {rank}; at most {MAX_RANK} can be read back. Merge fewer adapters, or with linear."
        )
    tensors = dict(_tensors(adapter, rank, dtype))
    scaling = adapter.scaling if isinstance(adapter, AdapterFactors) else 1.0
    config = _config(base_model_name, rank, scaling, modules)
    folder = Path(folder)
    config_file, weights_file = ADAPTER_FILES
    try:
        with whole_folder(folder, last=config_file) as beside:
            (beside / weights_file).write_bytes(save_tensors(tensors, metadata={"format": "pt"}))
            (beside / config_file).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        where = f", on {disk_of(folder)}" if is_full(error) else ""
        raise AdapterError(
            f"the adapter cannot be written to {folder}: {error.strerror or error}{where}. Choose another folder."
        ) from error
    return folder


def _tensors(
    adapter: MergedAdapter | AdapterFactors, rank: int, dtype: torch.dtype
) -> Iterator[tuple[str, torch.Tensor]]:
    for stack in adapter.stacks:
        padding = rank - stack.a.shape[1]
        a = torch.nn.functional.pad(stack.a, (0, 0, 0, padding)).to("cpu", dtype)
        b = torch.nn.functional.pad(stack.b, (0, padding)).to("cpu", dtype)
        if not (torch.isfinite(a).all() and torch.isfinite(b).all()):
            raise AdapterError(f"the factors of {stack.modules[0]} are not finite in {dtype}. Write them as float32.")
        for position, module in enumerate(stack.modules):
            yield f"base_model.model.{module}.lora_A.weight", a[position].contiguous()
            yield f"base_model.model.{module}.lora_B.weight", b[position].contiguous()


def _config(base_model_name: str, rank: int, scaling: float, modules: list[str]) -> dict[str, object]:
    alpha = scaling * rank
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_model_name,
        "r": rank,
        "lora_alpha": int(alpha) if alpha == int(alpha) else alpha,
        # Full names: an adapter need not change every layer, and "q_proj" would mean all of them.
        "target_modules": sorted(modules),
        "lora_dropout": 0.0,
        "bias": "none",
        "inference_mode": True,
        "fan_in_fan_out": False,
        "init_lora_weights": True,
        "use_dora": False,
        "use_rslora": False,
        "modules_to_save": None,
        "rank_pattern": {},
        "alpha_pattern": {},
    }
