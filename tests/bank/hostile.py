"""Adapters as a stranger might send them: each is a good one with one thing done to it."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
Harm = Callable[[Path], None]


class Payload:
    """Leaves a file behind where a pickle of it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (open, (str(self.path), "w"))


def config(**changes: object) -> Harm:
    def harm(folder: Path) -> None:
        found = json.loads((folder / CONFIG).read_text())
        (folder / CONFIG).write_text(json.dumps(found | changes))

    return harm


def tensors(change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Harm:
    def harm(folder: Path) -> None:
        save_file(change(load_file(folder / WEIGHTS)), folder / WEIGHTS)

    return harm


def value(number: float, dtype: torch.dtype, side: str) -> Harm:
    """One entry of one factor, in the last layer's."""

    def change(found: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        found = {name: tensor.to(dtype) for name, tensor in found.items()}
        found[max(name for name in found if f"lora_{side}" in name)][-1, -1] = number
        return found

    return tensors(change)


def renamed(old: str, new: str) -> Harm:
    return tensors(lambda found: {name.replace(old, new): tensor for name, tensor in found.items()})


def reshaped(found: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {n: torch.cat([t, t], dim=1) if "lora_A" in n else t for n, t in found.items()}


def cut(keep: Callable[[int], int]) -> Harm:
    def harm(folder: Path) -> None:
        os.truncate(folder / WEIGHTS, keep((folder / WEIGHTS).stat().st_size))

    return harm


def header(content: bytes, size: int | None = None) -> Harm:
    def harm(folder: Path) -> None:
        (folder / WEIGHTS).write_bytes(struct.pack("<Q", len(content)) + content)
        if size is not None:
            os.truncate(folder / WEIGHTS, size)

    return harm


def pickled(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    (folder / "adapter_model.bin").write_bytes(pickle.dumps(Payload(folder / "ran")))


def pickle_in_disguise(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes(pickle.dumps(Payload(folder / "ran")))


def torch_file_in_disguise(folder: Path) -> None:
    content = io.BytesIO()
    torch.save({"weights": Payload(folder / "ran")}, content)
    (folder / WEIGHTS).write_bytes(content.getvalue())


def linked(name: str, target: str) -> Harm:
    def harm(folder: Path) -> None:
        outside = folder.parent / "outside"
        shutil.copytree(folder, outside)
        (folder / name).unlink()
        (folder / name).symlink_to(target.format(outside=outside))

    return harm


A_MILLION = json.dumps({f"t{number}": {} for number in range(1_000_000)}).encode()
BELOW_THE_SIZE = json.dumps({f"t{number}": {} for number in range(250_000)}).encode()
TERABYTE = json.dumps({"a": {"dtype": "F16", "shape": [8, 2**36], "data_offsets": [0, 2**40]}}).encode()

HOSTILE: dict[str, tuple[Harm, str]] = {
    "pickle": (pickled, "adapter_model.bin is not read, because such a file can run code"),
    "pickle in disguise": (pickle_in_disguise, "no safetensors file|its header"),
    "torch file in disguise": (torch_file_in_disguise, "no safetensors file|its header"),
    "PiSSA": (config(init_lora_weights="pissa"), "init_lora_weights 'pissa'"),
    "PiSSA, iterated": (config(init_lora_weights="pissa_niter_4"), "init_lora_weights 'pissa_niter_4'"),
    "OLoRA": (config(init_lora_weights="olora"), "init_lora_weights 'olora'"),
    "LoftQ": (config(init_lora_weights="loftq"), "init_lora_weights 'loftq'"),
    "CorDA": (config(init_lora_weights="corda"), "init_lora_weights 'corda'"),
    "layer replication": (config(layer_replication=[[0, 4], [2, 99_999]]), "layer_replication"),
    "modules to save": (config(modules_to_save=["lm_head"]), "modules_to_save"),
    "rank pattern": (config(rank_pattern={"(a+)+$": 8}), "rank_pattern"),
    "alpha pattern": (config(alpha_pattern={"(a|aa)+$": 8}), "alpha_pattern"),
    "DoRA": (config(use_dora=True), "DoRA"),
    "rsLoRA": (config(use_rslora=True), "rsLoRA"),
    "bias": (config(bias="all"), "bias 'all'"),
    "LoRA's own bias": (config(bias="lora_only"), "bias 'lora_only'"),
    "trained biases": (config(lora_bias=True), "lora_bias"),
    "rank 0": (config(r=0), "rank 0"),
    "rank 200,000": (config(r=200_000), "rank 200000"),
    "rank of many digits": (config(r=10**4_000), "rank 1000"),
    "alpha 0": (config(lora_alpha=0), "lora_alpha 0"),
    "alpha below 0": (config(lora_alpha=-16), "lora_alpha -16"),
    "alpha too large": (config(lora_alpha=1e12), "lora_alpha 1000000000000.0"),
    "alpha infinite": (config(lora_alpha=float("inf")), "lora_alpha inf"),
    "alpha no number": (config(lora_alpha=float("nan")), "lora_alpha nan"),
    "NaN": (value(float("nan"), torch.float32, "A"), "not a finite number"),
    "NaN in 16 bits": (value(float("nan"), torch.bfloat16, "B"), "not a finite number"),
    "infinity": (value(float("inf"), torch.float16, "B"), "not a finite number"),
    "minus infinity": (value(float("-inf"), torch.float32, "A"), "not a finite number"),
    "names of another base": (renamed("self_attn", "attention"), "which the base model does not have"),
    "names without PEFT's prefix": (renamed("base_model.model.", ""), "no factor of a plain LoRA"),
    "names that climb": (renamed("model.layers.0.", "model...layers.0."), "no factor of a plain LoRA"),
    "whole weights": (renamed("lora_A.weight", "weight"), "no factor of a plain LoRA"),
    "shapes of another base": (tensors(reshaped), "Was it made for another base"),
    "rank unlike the config's": (config(r=3), "its config says rank 3"),
    "a million tensors": (header(A_MILLION), "its header claims .* are allowed"),
    "as many tensors as a header holds": (header(BELOW_THE_SIZE), "describes more than 10,000 tensors"),
    "a terabyte": (header(TERABYTE, 2**40 + 8 + len(TERABYTE)), "1,099,511,.* bytes; .* are allowed"),
    "a header beyond the file": (header(b"{}", 9), "no safetensors file"),
    "cut in half": (cut(lambda size: size // 2), "bytes and .* are there"),
    "cut in the header": (cut(lambda size: 100), "it is cut off"),
    "one byte short": (cut(lambda size: size - 1), "bytes and .* are there"),
    "empty": (cut(lambda size: 0), "0 bytes"),
    "weights linked from outside": (linked(WEIGHTS, "{outside}/" + WEIGHTS), "leads out of"),
    "config linked from outside": (linked(CONFIG, "{outside}/" + CONFIG), "leads out of"),
    "weights linked with ..": (linked(WEIGHTS, "../outside/" + WEIGHTS), "leads out of"),
    "a link to itself": (linked(WEIGHTS, WEIGHTS), "cannot be read"),
    "a device": (linked(WEIGHTS, "/dev/zero"), "is not a file"),
}
"""name -> (what is done to a good adapter's folder, the words of the refusal)"""
