"""What decides an adapter, as data: the paper's recipe for 7b banks, and the embedded bank's."""

from __future__ import annotations

from dataclasses import dataclass

ALL_PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class AdapterRecipe:
    """LoRA and AdamW settings. The loss is on the answer only."""

    rank: int
    alpha: int
    epochs: float
    batch_size: int
    accumulation: int
    learning_rate: float
    warmup_steps: int
    dropout: float = 0.0
    schedule: str = "cosine"
    max_grad_norm: float = 1.0
    targets: tuple[str, ...] = ALL_PROJECTIONS
    rows: int = 2_000
    """Training rows a task, at most."""
    max_tokens: int = 512
    seed: int = 17


PAPER = AdapterRecipe(rank=64, alpha=32, epochs=3, batch_size=4, accumulation=4, learning_rate=5e-5, warmup_steps=100)
"""Section 6.4 of the paper; packing off, bias none."""

EMBEDDED = AdapterRecipe(
    rank=16, alpha=32, epochs=4, batch_size=32, accumulation=1, learning_rate=2e-3, warmup_steps=20, max_tokens=256
)
"""For a base of some million parameters: a higher rate, since there is little to forget and little time."""
