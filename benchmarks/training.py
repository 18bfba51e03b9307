"""`composer train` beside the loop that one writes without it: equal losses first, then tokens a second.

Both start from the same weights and see the same rows in the same order. The plain loop hands the model the attention
mask and all labels, and takes the library's own loss: every token's logits are made.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoTokenizer, DataCollatorForSeq2Seq, PreTrainedTokenizerBase, get_cosine_schedule_with_warmup

from benchmarks.plan import Plan
from composer.bank.manifest import Bank, load_bank
from composer.errors import ComposerError
from composer.inference.gguf import base_folder
from composer.inference.precision import compute_dtype, quantization_on
from composer.inference.prompts import prepare_tokenizer
from composer.tasks.task import Example
from composer.training.adapters import Site, load_for_training, padding, train_adapter
from composer.training.encoding import Row, encode_examples
from composer.training.history import Standing
from composer.training.loss_curve import read_loss_curve
from composer.training.order import EpochOrder
from composer.training.recipe import SMALL, AdapterRecipe
from composer.training.sources import FromBank

ROWS, EPOCHS, RANK = 200, 2, 8
LEARNING_RATE = 1e-4
"""An eighth of the recipe's: at that one, what 16 bits round differently grows from step to step."""
TASKS = ("rte", "mnli", "cb")
"""The first that the bank has examples of: two sentences a row, of ordinary length."""
TOLERANCE, TOLERANCE_ON_GPU = 1e-2, 0.1
"""Between the two losses of a step, relative to the larger. A GPU sums in an order of its own, in 16 bits."""
REVISION = "0" * 40
SMALLEST = 0.1
"""Nats: a loss below it is compared as if it were this, since 16 bits leave nothing of its last digits."""


@dataclass(frozen=True)
class Place:
    bank: Bank
    base: Path
    device: str

    @property
    def quantization(self) -> str:
        return quantization_on(self.device, self.bank.quantization)


@dataclass(frozen=True)
class Learned:
    losses: tuple[float, ...]
    """Per step."""
    tokens_per_s: float
    """Without padding, from the end of the first step to that of the last."""


def measure(plan: Plan) -> dict[str, object]:
    recipe = replace(
        SMALL, rank=RANK, alpha=2 * RANK, epochs=EPOCHS, least_steps=0, rows=ROWS, learning_rate=LEARNING_RATE
    )
    return of_bank(load_bank(plan.bank), plan, recipe, 8 if plan.quick else ROWS)


def of_bank(bank: Bank, plan: Plan, recipe: AdapterRecipe, count: int, *, plain: bool = True) -> dict[str, object]:
    """So many examples of one task, by the engine and, with `plain`, by the plain loop.

    Raises ComposerError where the losses of the two differ.
    """
    place = Place(bank, base_folder(bank.base, plan.cache_dir), plan.device)
    tokenizer = prepare_tokenizer(AutoTokenizer.from_pretrained(place.base))
    examples = _examples(bank, count)
    if plan.quick:
        recipe = replace(recipe, batch_size=4, accumulation=1)
    rows = encode_examples(examples, bank.prompt_template, tokenizer, recipe.max_tokens)
    progress = plan.progress("training, loops")
    progress(0, 2 if plain else 1)
    ours = engine(examples, rows, place, recipe, tokenizer)
    progress(1, 2 if plain else 1)
    found = {
        "tokens_per_s": round(ours.tokens_per_s, 1),
        "task": examples[0].task,
        "rank": recipe.rank,
        "quantization": place.quantization,
        "rows": len(rows),
        "steps": len(ours.losses),
        "tokens_per_row": round(sum(len(row["input_ids"]) for row in rows) / len(rows), 1),
        "first_loss": round(ours.losses[0], 3),
        "last_loss": round(ours.losses[-1], 3),
    }
    if not plain:
        return found
    beside = reference(rows, place, recipe, tokenizer)
    progress(2, 2)
    worst = largest_difference(ours.losses, beside.losses)
    allowed = TOLERANCE if plan.device == "cpu" else TOLERANCE_ON_GPU
    if worst > allowed:
        raise ComposerError(
            f"training: the losses of the two loops differ by {worst:.2g} relative, and {allowed:g} is allowed. "
            "One of them is wrong: run the tests of training before any measurement."
        )
    return {
        **found,
        "plain_tokens_per_s": round(beside.tokens_per_s, 1),
        "ratio": round(ours.tokens_per_s / beside.tokens_per_s, 2),
        "largest_loss_difference": worst,
    }


def largest_difference(ours: Sequence[float], plain: Sequence[float]) -> float:
    return max(abs(a - b) / max(a, b, SMALLEST) for a, b in zip(ours, plain, strict=True))


def _examples(bank: Bank, count: int) -> tuple[Example, ...]:
    source = FromBank(bank)
    task = next((task for task in TASKS if task in source.tasks()), source.tasks()[0])
    return source.examples(task, count).examples


def engine(
    examples: Sequence[Example],
    rows: Sequence[Row],
    place: Place,
    recipe: AdapterRecipe,
    tokenizer: PreTrainedTokenizerBase,
) -> Learned:
    """What `composer train` runs."""
    ends: list[float] = []

    def step_ended(standing: Standing) -> None:
        ends.append(perf_counter())

    with TemporaryDirectory(prefix="composer-training-") as temporary:
        folder = Path(temporary)
        # a revision, so that a base of many gigabytes is not hashed
        site = Site(
            place.base, place.bank.prompt_template, folder / "adapter", folder / "work", place.bank.base_name, REVISION
        )
        device, quantization = place.device, place.quantization
        train_adapter(examples, site, recipe, tokenizer, device=device, quantization=quantization, progress=step_ended)
        losses = tuple(loss for _, loss in read_loss_curve(site.output))
    steps = [step for epoch in range(int(recipe.epochs)) for step in batches(rows, recipe, epoch)]
    # the first is told before any step
    return Learned(losses, _tokens(steps[1:]) / (ends[-1] - ends[1]))


def reference(rows: Sequence[Row], place: Place, recipe: AdapterRecipe, tokenizer: PreTrainedTokenizerBase) -> Learned:
    torch.manual_seed(recipe.seed)
    lora = LoraConfig(
        r=recipe.rank, lora_alpha=recipe.alpha, target_modules=list(recipe.targets), task_type="CAUSAL_LM"
    )
    base = load_for_training(place.base, quantization=place.quantization, device=place.device)
    model = get_peft_model(base, lora).train()
    learned = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=recipe.learning_rate, weight_decay=0.0)
    steps = [step for epoch in range(int(recipe.epochs)) for step in batches(rows, recipe, epoch)]
    schedule = get_cosine_schedule_with_warmup(optimizer, recipe.warmup_steps, len(steps))
    collate, dtype = DataCollatorForSeq2Seq(padding(tokenizer)), compute_dtype(place.device)
    losses, ends = [], []
    for step in steps:
        with torch.autocast(place.device, dtype, enabled=dtype != torch.float32):
            loss = model(**collate(step).to(place.device)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, recipe.max_grad_norm)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        ends.append(perf_counter())
    return Learned(tuple(losses), _tokens(steps[1:]) / (ends[-1] - ends[0]))


def batches(rows: Sequence[Row], recipe: AdapterRecipe, epoch: int) -> Iterator[list[Row]]:
    """An epoch's steps, in the order in which the engine sees them."""
    size = recipe.batch_size * recipe.accumulation
    order = list(EpochOrder([len(row["input_ids"]) for row in rows], size, recipe.seed, lambda: epoch))
    for number in range(math.ceil(len(order) / size)):
        yield [rows[at] for at in order[number * size : (number + 1) * size]]


def _tokens(steps: Sequence[Sequence[Row]]) -> int:
    return sum(len(row["input_ids"]) for batch in steps for row in batch)
