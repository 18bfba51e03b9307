"""One LoRA adapter from labelled examples, with PEFT and the transformers Trainer. The same code for every bank."""

from __future__ import annotations

import csv
import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForCausalLM,
    DataCollatorForSeq2Seq,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)
from transformers.trainer_utils import get_last_checkpoint

from composer.errors import ComposerError, InferenceError
from composer.inference.prompts import encode_option, fit_prompt
from composer.tasks.task import Example
from composer.training.precision import compute_dtype
from composer.training.recipe import AdapterRecipe

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Site:
    """Where an adapter is trained: on which base, in whose prompt template, and where its files go."""

    base: Path | str
    template: str
    output: Path
    work: Path
    """Checkpoints; removed when the adapter is finished."""
    base_name: str
    """What adapter_config.json names as the base: a Hub id, or the bank's folder name. Never a path of one machine."""


def load_for_training(base: Path | str, device: str = "cpu") -> PreTrainedModel:
    """Weights stay frozen. On short rows, plain attention is the fastest on a CPU."""
    return AutoModelForCausalLM.from_pretrained(base, dtype=compute_dtype(device), attn_implementation="eager")


def train_adapter(
    examples: Sequence[Example],
    site: Site,
    recipe: AdapterRecipe,
    tokenizer: PreTrainedTokenizerBase,
    *,
    device: str = "cpu",
) -> float:
    """Train on gold answers after the prompt, and write PEFT's files to `site.output`. Returns the last losses' mean.

    A run that was killed goes on from its last checkpoint. Raises ComposerError where no example has room in the model.
    """
    rows = _rows(examples, site.template, tokenizer, recipe)
    torch.manual_seed(recipe.seed)  # LoRA's A starts at random
    config = LoraConfig(
        r=recipe.rank, lora_alpha=recipe.alpha, lora_dropout=recipe.dropout, bias="none", task_type="CAUSAL_LM",
        target_modules=list(recipe.targets),
    )  # fmt: skip
    model = get_peft_model(load_for_training(site.base, device), config)
    history = _History()
    trainer = Trainer(
        model=model,
        args=_arguments(site, recipe, device),
        train_dataset=rows,
        data_collator=DataCollatorForSeq2Seq(tokenizer, padding=True),
        callbacks=[history],
    )
    checkpoint = get_last_checkpoint(str(site.work)) if site.work.is_dir() else None
    trainer.train(resume_from_checkpoint=checkpoint)
    _save(model, site)
    history.write(site.output / "loss.csv")
    shutil.rmtree(site.work, ignore_errors=True)
    return history.last()


def _rows(
    examples: Sequence[Example], template: str, tokenizer: PreTrainedTokenizerBase, recipe: AdapterRecipe
) -> list[dict[str, list[int]]]:
    """Those that have room in the model, long contexts cut in the middle."""
    rows = []
    for example in examples:
        try:
            rows.append(_row(example, template, tokenizer, recipe))
        except InferenceError as error:
            log.warning("left out %s: %s", example.row_id, error)
    if not rows:
        raise ComposerError(
            f"none of {len(examples)} examples can be trained on: no option has room in {recipe.max_tokens} tokens. "
            "Raise the recipe's max_tokens."
        )
    return rows


def _row(
    example: Example, template: str, tokenizer: PreTrainedTokenizerBase, recipe: AdapterRecipe
) -> dict[str, list[int]]:
    """Prompt and gold answer exactly as scoring will encode them; -100 keeps the prompt out of the loss."""
    answer = list(encode_option(tokenizer, template, example.options[example.gold]))
    fitted = fit_prompt(tokenizer, template, example.context, example.question, example.options, recipe.max_tokens)
    prompt = list(fitted.text_tokens)
    return {
        "input_ids": prompt + answer,
        "labels": [-100] * len(prompt) + answer,
        "attention_mask": [1] * (len(prompt) + len(answer)),
    }


def _arguments(site: Site, recipe: AdapterRecipe, device: str) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(site.work),
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=recipe.batch_size,
        gradient_accumulation_steps=recipe.accumulation,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.schedule,
        warmup_steps=recipe.warmup_steps,
        max_grad_norm=recipe.max_grad_norm,
        weight_decay=0.0,
        bf16=compute_dtype(device) == torch.bfloat16,
        use_cpu=device == "cpu",
        train_sampling_strategy="group_by_length",
        save_strategy="epoch",
        save_total_limit=1,
        logging_steps=10,
        report_to="none",
        disable_tqdm=True,
        seed=recipe.seed,
        dataloader_pin_memory=False,
    )


def _save(model: PeftModel, site: Site) -> None:
    """fp16, under a name that holds on every machine."""
    model.peft_config["default"].base_model_name_or_path = site.base_name
    model.save_pretrained(str(site.output), save_embedding_layers=False)  # else it looks the base up on the Hub
    weights = site.output / "adapter_model.safetensors"
    save_file(
        {name: tensor.half().contiguous() for name, tensor in load_file(weights).items()}, weights, {"format": "pt"}
    )
    (site.output / "README.md").unlink(missing_ok=True)


class _History(TrainerCallback):
    """Collects the loss curve and says where training stands."""

    def __init__(self) -> None:
        self.points: list[tuple[int, float]] = []

    def on_log(self, args, state, control, logs=None, **kwargs) -> None:  # noqa: ANN001, ANN003 - the Trainer's signature
        if logs and "loss" in logs:
            self.points.append((state.global_step, float(logs["loss"])))
            if state.global_step % 50 == 0:
                log.info("  step %d/%d loss %.4f", state.global_step, state.max_steps, float(logs["loss"]))

    def last(self) -> float:
        tail = self.points[-max(1, len(self.points) // 10) :]
        return sum(loss for _, loss in tail) / max(1, len(tail))

    def write(self, path: Path) -> None:
        with path.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("step", "loss"))
            writer.writerows(self.points)
