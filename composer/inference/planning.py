"""What a base model will need, read from its config alone: before gigabytes are fetched or minutes of loading pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from huggingface_hub.errors import StrictDataclassError
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from composer.errors import BankError, InferenceError
from composer.inference.memory import free_bytes
from composer.inference.precision import compute_dtype

HOPELESS_ON_CPU = 2_000_000_000
"""Parameters. Quantized layers are unpacked in every forward pass, so a larger model takes minutes for an answer."""
_BYTES_PER_WEIGHT = {"nf4": 0.516, "int8": 1.002}
"""With what quantization keeps beside the weights: for nf4 a byte per 64, and 4 bytes per 16,384 (doubly quantized)."""
_WORKING = 0.05, 400_000_000
"""For activations and buffers: a share of the weights, and bytes, or the weights' own size if that is less."""
_CUDA_CONTEXT = 600_000_000
_MAX_LAYERS = 1_000
CONFIG_ERRORS = (
    OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, ImportError, StrictDataclassError,
)  # fmt: skip
"""What transformers raises for a config that is missing, damaged or of no model."""


@dataclass(frozen=True)
class BasePlan:
    parameters: int
    quantization: str
    module_shapes: Mapping[str, tuple[int, int]]
    """Linear layer -> (out_features, in_features), as the loaded model will have them."""
    weight_bytes: int
    bytes_needed: int
    """For the weights and for answering questions, on the device."""


def plan_base(folder: Path, quantization: str, device: str = "cuda", dtype: torch.dtype | None = None) -> BasePlan:
    """From `folder`/config.json; no weight is read or allocated. Raises BankError for a config that is no model's."""
    dtype = dtype or compute_dtype(device)
    model = _skeleton(folder)
    parameters = sum(weight.numel() for weight in model.parameters())
    linear = {name: module for name, module in model.named_modules() if isinstance(module, nn.Linear)}
    packed = sum(m.weight.numel() for m in linear.values() if m is not model.get_output_embeddings())
    packed = packed if quantization in _BYTES_PER_WEIGHT else 0
    weights = packed * _BYTES_PER_WEIGHT.get(quantization, 0) + (parameters - packed) * dtype.itemsize
    share, fixed = _WORKING
    return BasePlan(
        parameters=parameters,
        quantization=quantization,
        module_shapes={name: (module.out_features, module.in_features) for name, module in linear.items()},
        weight_bytes=round(weights),
        bytes_needed=round(weights * (1 + share) + min(fixed, weights)) + (_CUDA_CONTEXT if device == "cuda" else 0),
    )


def check_room(plan: BasePlan, device: torch.device, *, chosen: bool) -> None:
    """Raises InferenceError where the base cannot run on the device, or only hopelessly slowly.

    `chosen` says that a person asked for this very device: on a CPU they may then wait as long as they like.
    """
    if device.type == "cpu" and not chosen and plan.quantization != "none" and plan.parameters > HOPELESS_ON_CPU:
        raise InferenceError(
            f"a base of {_billions(plan.parameters)} parameters in {plan.quantization} needs a GPU, and "
            f"{_why_no_gpu()}: one answer would take minutes. Use a machine with a GPU, or the bank smollm2-135m."
        )
    free = free_bytes(device)
    if free is not None and plan.bytes_needed > free:
        where = "the GPU" if device.type == "cuda" else "this machine"
        raise InferenceError(
            f"the base needs about {_gb(plan.bytes_needed)} of memory as {plan.quantization} "
            f"({_billions(plan.parameters)} parameters) and {where} has {_gb(free)} free. {_remedy(plan, device)}"
        )


def _skeleton(folder: Path) -> PreTrainedModel:
    """The model without memory behind its weights."""
    try:
        config = AutoConfig.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
        layers = getattr(config, "num_hidden_layers", 1)
        if not isinstance(layers, int) or not 0 < layers <= _MAX_LAYERS:
            raise ValueError(f"it names {layers!r} layers")
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    except CONFIG_ERRORS as error:
        reason = (str(error.__cause__ or error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise BankError(
            f"config.json in {str(folder)!r} describes no causal language model: {reason}. Restore the file, or "
            "choose another base."
        ) from error


def _why_no_gpu() -> str:
    return "torch sees none here" if torch.version.cuda else "this torch is built for CPUs only"


def _remedy(plan: BasePlan, device: torch.device) -> str:
    if plan.quantization != "nf4":
        return 'Give [base] of its bank.toml quantization = "nf4", or free memory.'
    return "Close what else uses the GPU, or use a larger one." if device.type == "cuda" else "Free memory."


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"


def _billions(count: int) -> str:
    return f"{count / 1e9:.1f} billion" if count >= 1e8 else f"{count / 1e6:.1f} million"
