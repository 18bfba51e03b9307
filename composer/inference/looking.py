"""A look at the base model reading a question: one module's input at the last token, and what adapters make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from composer.errors import InferenceError
from composer.inference.base import BaseModel
from composer.inference.batched_lora import ModuleShapes, Slots, applied
from composer.merging.factors import AdapterFactors

SEEN = "q_proj"


@dataclass(frozen=True, eq=False)
class _Seen:
    """In the place of an update: keeps what the module reads at the last token, and adds nothing."""

    inputs: list[Tensor] = field(default_factory=list)

    def add_to(self, y: Tensor, x: Tensor) -> None:
        self.inputs.append(x[0, -1].clone())


def module_to_look_at(shapes: ModuleShapes) -> str:
    """The query projection of the last block, as LoGo has it. Raises InferenceError for a model without one."""
    found = [name for name in shapes if name.rpartition(".")[2] == SEEN]
    if not found:
        raise InferenceError(f"the base model has no {SEEN}, which logo looks at. Choose 'retrieval'.")
    return found[-1]


def last_input(base: BaseModel, tokens: Sequence[int], module: str) -> Tensor:
    """(in_features,) fp32, in the host's memory: what the module reads at the last token. One pass of the base."""
    seen = _Seen()
    with torch.inference_mode(), applied(Slots(1, (), {module: (seen,)})):
        # without the output layer: no logits are asked for
        base.model.base_model(input_ids=torch.tensor([list(tokens)], device=base.device), use_cache=False)
    return seen.inputs[0].float().cpu()


def added_to(inputs: Tensor, adapter: AdapterFactors, module: str, out_features: int) -> np.ndarray:
    """(out_features,): the adapter's update of the module times its input; zeros where it has none for the module."""
    for stack in adapter.stacks:
        if module in stack.modules:
            at = stack.modules.index(module)
            return (stack.b[at].float() @ (stack.a[at].float() @ inputs) * adapter.scaling).numpy()
    return np.zeros(out_features, dtype=np.float32)
