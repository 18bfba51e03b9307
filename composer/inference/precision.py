"""What a model computes in, and in how many bits its weights are kept."""

from __future__ import annotations

import re

import torch

QUANTIZATIONS = ("none", "nf4", "int8", "auto")


def compute_dtype(device: str = "cpu") -> torch.dtype:
    """bf16 where the hardware multiplies it; a CPU that emulates it takes five times as long as in fp32."""
    if device == "cpu" and not torch.cpu._is_avx512_bf16_supported():  # noqa: SLF001 - there is no public name
        return torch.float32
    return torch.bfloat16


def weights_kept_as(quantization: str, dtype: torch.dtype, stored: str | None = None) -> tuple[str, int]:
    """(format, bits per weight without scales) of what a forward reads; `stored` is a GGUF's format, such as Q4_1.

    Unpacking such a file adds no bits to its weights; quantizing them anew does away with its format.
    """
    if quantization != "none":
        return quantization, {"nf4": 4, "int8": 8}[quantization]
    unpacked = short_name(dtype)
    kept = stored if stored and _bits(stored) < _bits(unpacked) else unpacked
    return kept, _bits(kept)


def short_name(dtype: torch.dtype) -> str:
    """bf16, fp16 or fp32"""
    return str(dtype).removeprefix("torch.").replace("bfloat", "bf").replace("float", "fp")


def _bits(format_name: str) -> int:
    """The first number in its name: Q4_1, IQ2_XS, F16, bf16."""
    found = re.search(r"\d+", format_name)
    return int(found[0]) if found else 32


def quantization_on(device: str, quantization: str) -> str:
    """What `auto` stands for: nf4 on a GPU, whose memory is scarce, and the weights as they are on a CPU."""
    if quantization != "auto":
        return quantization
    return "nf4" if device == "cuda" else "none"
