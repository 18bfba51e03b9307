"""What training computes in."""

from __future__ import annotations

import torch


def compute_dtype(device: str = "cpu") -> torch.dtype:
    """bf16 where the hardware multiplies it; a CPU that emulates it takes five times as long as in fp32."""
    if device == "cpu" and not torch.cpu._is_avx512_bf16_supported():  # noqa: SLF001 - there is no public name
        return torch.float32
    return torch.bfloat16
