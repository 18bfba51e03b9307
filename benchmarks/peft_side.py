"""What a person does without this project: adapters in a PeftModel, `add_weighted_adapter`, `set_adapter`, forwards."""

from __future__ import annotations

import copy
import itertools
import warnings
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from torch import Tensor

from benchmarks.plan import Plan
from composer.bank.manifest import ADAPTER_FILES, Bank
from composer.bank.sources import folder_of
from composer.config import MergeSettings
from composer.inference.base import BaseModel, load_base
from composer.inference.gguf import base_folder


class PeftSide:
    """The bank's base model with all of its adapters, loaded as PEFT's documentation shows."""

    def __init__(self, base: BaseModel, adapters: Mapping[str, Path]) -> None:
        for module in base.model.modules():
            module._forward_hooks.clear()  # ours: they would do nothing here, but not for free
        (first, folder), *rest = adapters.items()
        # On a GPU in the base's own type, as ours are there; PEFT would turn them to fp32, twice as large.
        same_type = base.device.type == "cpu"
        model = PeftModel.from_pretrained(base.model, str(folder), adapter_name=first, autocast_adapter_dtype=same_type)
        for name, path in rest:
            model.load_adapter(str(path), adapter_name=name, autocast_adapter_dtype=same_type)
        if not same_type:
            for layer in _layers(model).values():
                for factor in (*layer.lora_A.values(), *layer.lora_B.values()):
                    factor.to(base.dtype)
        self._hold(model)

    def _hold(self, model: PeftModel) -> None:
        self.model = model.eval().requires_grad_(False)
        self._numbers = itertools.count()

    @classmethod
    def of_model(cls, model: PeftModel) -> PeftSide:
        """A model that has its adapters already."""
        side = cls.__new__(cls)
        side._hold(model)
        return side

    @classmethod
    def of_base(cls, base: BaseModel, bank: Bank, tasks: Sequence[str]) -> PeftSide:
        """With the adapters of these tasks, on a copy of a base that is loaded already: the same weights and type."""
        return cls(replace(base, model=copy.deepcopy(base.model)), cls.folders(bank, tasks))

    @classmethod
    def of_bank(
        cls, bank: Bank, plan: Plan, *, tasks: Sequence[str] | None = None, dtype: torch.dtype | None = None
    ) -> PeftSide:
        """With the adapters of all tasks, or of those named, in the type that the engine would choose, or `dtype`."""
        folder = base_folder(bank.base, plan.cache_dir)
        base = load_base(folder, quantization=bank.quantization, device=plan.device, dtype=dtype)
        return cls(base, cls.folders(bank, bank.tasks if tasks is None else tasks))

    @staticmethod
    def folders(bank: Bank, tasks: Sequence[str]) -> dict[str, Path]:
        return {task: folder_of(bank.adapter(task), ADAPTER_FILES)[0] for task in tasks}

    def merge(self, method: str, choice: Sequence[tuple[str, float]], settings: MergeSettings) -> str:
        """Adds the merge to the model and returns its name: a new one, as under an old one PEFT would do nothing."""
        name = f"merge_{next(self._numbers)}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.model.add_weighted_adapter(
                [task for task, _ in choice],
                [weight for _, weight in choice],
                name,
                combination_type=method,
                density=settings.density,
                majority_sign_method=settings.majority_sign_method,
            )
        return name

    def drop(self, *names: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the active adapter was deleted
            for name in names:
                self.model.delete_adapter(name)

    def factors(self, name: str) -> dict[str, tuple[Tensor, Tensor]]:
        """Module of the base to (A, B), of an adapter or a merge."""
        return {
            module: (layer.lora_A[name].get_parameter("weight"), layer.lora_B[name].get_parameter("weight"))
            for module, layer in _layers(self.model).items()
            if name in layer.lora_A
        }

    @torch.inference_mode()
    def log_probabilities(
        self, name: str | None, prompt: Sequence[int], options: Sequence[Sequence[int]]
    ) -> list[float]:
        """The sum over every option's tokens, a forward for each; the base model's where `name` is None."""
        if name is not None:
            self.model.set_adapter(name)
        with self.model.disable_adapter() if name is None else nullcontext():
            return [self._log_probability(prompt, option) for option in options]

    @torch.inference_mode()
    def log_probabilities_at_once(
        self, name: str | None, prompt: Sequence[int], options: Sequence[Sequence[int]]
    ) -> list[float]:
        """The same by one forward, the options as rows of a batch, padded behind."""
        longest = max(map(len, options))
        rows = [[*prompt, *option, *[0] * (longest - len(option))] for option in options]
        ids = torch.tensor(rows, device=self.model.device)
        lengths = torch.tensor([len(prompt) + len(option) for option in options], device=ids.device)
        mask = torch.arange(ids.shape[1], device=ids.device) < lengths[:, None]
        if name is not None:
            self.model.set_adapter(name)
        with self.model.disable_adapter() if name is None else nullcontext():
            logits = self.model(
                input_ids=ids, attention_mask=mask.long(), use_cache=False, logits_to_keep=longest + 1
            ).logits
        scores = logits[:, :-1].float().log_softmax(-1).gather(-1, ids[:, len(prompt) :, None])[..., 0]
        return scores.masked_fill(~mask[:, len(prompt) :], 0).sum(-1).tolist()

    def _log_probability(self, prompt: Sequence[int], option: Sequence[int]) -> float:
        ids = torch.tensor([[*prompt, *option]], device=self.model.device)
        logits = self.model(input_ids=ids, use_cache=False).logits[0, len(prompt) - 1 : -1].float()
        return float(logits.log_softmax(-1).gather(-1, ids[0, len(prompt) :, None]).sum())


def _layers(model: PeftModel) -> dict[str, LoraLayer]:
    return {name: layer for name, layer in model.get_base_model().named_modules() if isinstance(layer, LoraLayer)}
