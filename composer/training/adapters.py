"""One LoRA adapter from labelled examples, with PEFT and the transformers Trainer. The same code for every bank."""

from __future__ import annotations

import copy
import hashlib
import math
import os
import shutil
import warnings
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as functional
from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training
from peft.tuners.lora import LoraLayer
from safetensors.torch import load_file
from safetensors.torch import save as save_tensors
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    BitsAndBytesConfig,
    DataCollatorForSeq2Seq,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PrinterCallback,
    Trainer,
    TrainingArguments,
)
from transformers.utils.logging import disable_progress_bar

from composer.bank.manifest import ADAPTER_FILES, sha256_of
from composer.errors import BankError, ComposerError, SettingsError
from composer.inference.precision import compute_dtype
from composer.tasks.task import Example
from composer.training.checkpoints import Identity, claim
from composer.training.encoding import UNLEARNED, Row, encode_examples, sha256_of_rows
from composer.training.history import Progress, Reporter, last_loss, points_of
from composer.training.loss_curve import write_loss_curve
from composer.training.model_card import write_model_card
from composer.training.order import EpochOrder
from composer.training.recipe import SMALL_BASE, AdapterRecipe
from composer.training.record import Record, library_versions

SHORT_ROW = 128
"""Tokens up to which attention is computed as it is written, its scores held in memory."""

disable_progress_bar()  # a bar for every small file hides our own progress
# a name that PEFT or the Trainer itself still uses
warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)


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
    revision: str | None = None
    """The commit of a base that is from the Hub, or the sha256 of its one file; others are known by their files'."""
    origin: str = "of the bank's own making"
    """What the model card says of the rows."""


def train_adapter(
    examples: Sequence[Example],
    site: Site,
    recipe: AdapterRecipe,
    tokenizer: PreTrainedTokenizerBase,
    *,
    device: str = "cpu",
    quantization: str = "none",
    resume: bool = True,
    report_to: Sequence[str] = (),
    progress: Progress | None = None,
) -> float:
    """Train on gold answers after the prompt, and write PEFT's files to `site.output`, with a record, the loss curve
    and a model card beside them. Returns the last losses' mean.

    A run that was killed goes on from its last checkpoint, and ends with the weights that it would have had. Raises
    ComposerError where no example has room in the model, where the checkpoints are another run's, or where the loss
    is no number any more.
    """
    _check_room(site.base, recipe)
    rows = encode_examples(examples, site.template, tokenizer, recipe.max_tokens)
    identity = identity_of(rows, site, recipe, quantization)
    checkpoint = claim(site.work, identity, resume=resume)
    torch.manual_seed(recipe.seed)  # LoRA's A starts at random
    model = get_peft_model(load_for_training(site.base, quantization=quantization, device=device), _lora(recipe))
    for layer in model.modules():
        if isinstance(layer, LoraLayer):
            layer.cast_input_dtype_enabled = False  # autocast does it, without a detour by fp32
    trainer = _AdapterTrainer(
        model=model,
        args=_arguments(site, recipe, device, report_to, len(rows), large=model.num_parameters() > SMALL_BASE),
        train_dataset=rows,
        data_collator=DataCollatorForSeq2Seq(padding(tokenizer)),
        callbacks=[Reporter(max(1, round(len(rows) * recipe.epochs_of(len(rows)))), progress)],
    )
    trainer.remove_callback(PrinterCallback)  # it prints to where results go
    _run(trainer, checkpoint, recipe)
    points = points_of(trainer.state)
    _save(model, site)
    record = Record(
        task=examples[0].task, rows=len(rows), left_out=len(examples) - len(rows), origin=site.origin,
        steps=trainer.state.global_step, first_loss=points[0][1] if points else math.nan, loss=last_loss(points),
        identity=dict(identity), versions=library_versions(),
    )  # fmt: skip
    record.write(site.output)
    write_loss_curve(site.output, points, f"{record.task}: loss on the answer")
    write_model_card(site.output, record, on_hub=site.revision is not None)
    shutil.rmtree(site.work, ignore_errors=True)
    return record.loss


def _run(trainer: Trainer, checkpoint: Path | None, recipe: AdapterRecipe) -> None:
    try:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except torch.OutOfMemoryError as error:
        raise ComposerError(
            f"the GPU's memory ran out with {recipe.batch_size} rows at once. Lower --batch-size and raise "
            "--accumulation by as much, or lower --max-tokens."
        ) from error
    except OSError as error:
        raise ComposerError(
            f"a checkpoint cannot be written to {trainer.args.output_dir}: {error.strerror or error}. Free some space, "
            "or set COMPOSER_CACHE to a folder on a larger disk; the same command then goes on."
        ) from error


def identity_of(rows: Sequence[Row], site: Site, recipe: AdapterRecipe, quantization: str) -> Identity:
    return {
        "base": site.base_name,
        "base_id": site.revision or _base_sha256(Path(site.base)),
        "quantization": quantization,
        "template": site.template,
        "recipe": asdict(recipe),
        "rows": len(rows),
        "rows_sha256": sha256_of_rows(rows),
    }


def _base_sha256(folder: Path) -> str:
    """One digest of all weight files' own."""
    files = sorted(folder.glob("*.safetensors"))
    return hashlib.sha256(" ".join(sha256_of(path) for path in files).encode()).hexdigest()


def _check_room(base: Path | str, recipe: AdapterRecipe) -> None:
    limit = getattr(AutoConfig.from_pretrained(base), "max_position_embeddings", None)
    if limit and recipe.max_tokens > limit:
        raise SettingsError(
            f"rows of up to {recipe.max_tokens} tokens are asked for, and the base reads {limit}. Lower max_tokens."
        )


def load_for_training(base: Path | str, *, quantization: str = "none", device: str = "cpu") -> PreTrainedModel:
    """Weights in 16 or 4 bits, which stay frozen."""
    on_gpu = device == "cuda"
    loaded: Any = AutoModelForCausalLM.from_pretrained(
        base,
        dtype=_dtype(device),
        attn_implementation="sdpa",
        device_map={"": 0 if on_gpu else "cpu"} if on_gpu or quantization != "none" else None,
        quantization_config=_quantization(quantization, device),
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
    )
    model, report = loaded
    if report["missing_keys"]:  # transformers fills these with random numbers and goes on
        raise BankError(f"the base's weights lack {sorted(report['missing_keys'])[0]}. Restore or fetch them again.")
    if quantization == "none":
        return model
    for module in model.modules():
        # else bitsandbytes repacks a layer's weights on some CPUs, into a form without gradients
        if hasattr(module, "support_avx512bf16_for_cpu"):
            setattr(module, "support_avx512bf16_for_cpu", False)  # noqa: B010 - unknown to nn.Module's types
    # norms and embeddings in fp32; the Trainer turns activation checkpointing on
    return prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)


def _dtype(device: str) -> torch.dtype:
    """fp16 on GPUs from before bf16, with the Trainer's scaling of losses."""
    return torch.float16 if device == "cuda" and not torch.cuda.is_bf16_supported() else compute_dtype(device)


def _quantization(name: str, device: str) -> BitsAndBytesConfig | None:
    if name == "none":
        return None
    if name == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=_dtype(device),
    )


def _lora(recipe: AdapterRecipe) -> LoraConfig:
    return LoraConfig(
        r=recipe.rank, lora_alpha=recipe.alpha, lora_dropout=recipe.dropout, bias="none", task_type="CAUSAL_LM",
        target_modules=list(recipe.targets),
    )  # fmt: skip


def padding(tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    """A copy that can pad, where the model's own has no token for it, as Llama 2's. What is padded is never read."""
    copied = copy.deepcopy(tokenizer)
    if copied.pad_token is None:
        copied.pad_token = copied.eos_token or copied.convert_ids_to_tokens(0)
    return copied


def attention_for(tokens: int, device: str) -> AbstractContextManager[None]:
    """A CPU's flash attention walks short rows in tiles that are mostly empty: there a plain product is faster."""
    plain = device == "cpu" and tokens <= SHORT_ROW
    return sdpa_kernel(SDPBackend.MATH) if plain else nullcontext()


class _AdapterTrainer(Trainer):
    """The Trainer, with a loss that leaves out what has no part in it, and an order of rows that survives a resume."""

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """Mean negative log-probability (nats) of the answers' tokens.

        The output layer, a fifth of a small base, sees the answers alone. Padding stands behind a row, where causal
        attention never looks, so there is no mask, and attention takes its fast path.
        """
        base = cast(PreTrainedModel, cast(PeftModel, self.accelerator.unwrap_model(model)).get_base_model())
        expected = inputs["labels"][:, 1:]
        learned = expected != UNLEARNED
        half, device = self.compute_dtype != torch.float32, expected.device.type
        with torch.autocast(device, self.compute_dtype, enabled=half), attention_for(expected.shape[1], device):
            hidden = base.base_model(input_ids=inputs["input_ids"], use_cache=False).last_hidden_state
            logits = base.get_output_embeddings()(hidden[:, :-1][learned])
        total = functional.cross_entropy(logits.float(), expected[learned], reduction="sum")
        return total / (num_items_in_batch if num_items_in_batch is not None else learned.sum())

    @property
    def compute_dtype(self) -> torch.dtype:
        return _dtype("cpu" if self.args.use_cpu else "cuda")

    def _get_train_sampler(self, train_dataset: object = None) -> EpochOrder:
        rows = cast(list[Row], self.train_dataset)
        batches = math.ceil(len(rows) / self.args.per_device_train_batch_size)
        steps = math.ceil(batches / self.args.gradient_accumulation_steps)
        return EpochOrder(
            [len(row["input_ids"]) for row in rows],
            self.args.per_device_train_batch_size * self.args.gradient_accumulation_steps,
            self.args.seed,
            lambda: self.state.global_step // steps,
        )


def _arguments(
    site: Site, recipe: AdapterRecipe, device: str, report_to: Sequence[str], rows: int, *, large: bool
) -> TrainingArguments:
    if "tensorboard" in report_to:  # it would write into the checkpoints' folder, which is removed at the end
        os.environ.setdefault("TENSORBOARD_LOGGING_DIR", str(site.work.parent / "runs" / site.work.name))
    log_every, save_every = intervals(rows, recipe)
    arguments = TrainingArguments(
        output_dir=str(site.work),
        run_name=site.output.name,
        num_train_epochs=recipe.epochs_of(rows),
        per_device_train_batch_size=recipe.batch_size,
        gradient_accumulation_steps=recipe.accumulation,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.schedule,
        warmup_steps=recipe.warmup_steps,
        max_grad_norm=recipe.max_grad_norm,
        weight_decay=0.0,
        bf16=_dtype(device) == torch.bfloat16,
        fp16=_dtype(device) == torch.float16,
        use_cpu=device == "cpu",
        activation_checkpointing=large and device == "cuda",
        activation_checkpointing_kwargs={"use_reentrant": False},
        save_strategy="steps",
        save_steps=save_every,
        save_total_limit=1,
        logging_steps=log_every,
        logging_nan_inf_filter=False,  # a loss that is no number must not look like the one before
        report_to=list(report_to) or "none",
        disable_tqdm=True,
        seed=recipe.seed,
        dataloader_pin_memory=False,
    )
    _ = arguments.n_gpu  # sets what follows
    arguments._n_gpu = min(arguments.n_gpu, 1)  # noqa: SLF001 - several GPUs would multiply the recipe's batch
    return arguments


def intervals(rows: int, recipe: AdapterRecipe) -> tuple[int, int]:
    """Steps from one logged loss to the next, and from one checkpoint to the next, which is a multiple of the first:
    the mean of an interval that a kill cuts in two would be lost."""
    steps = math.ceil(recipe.epochs_of(rows) * math.ceil(rows / (recipe.batch_size * recipe.accumulation)))
    log_every = max(1, min(10, steps // 20))
    return log_every, log_every * max(1, min(50, steps // 10) // log_every)


def _save(model: PeftModel, site: Site) -> None:
    """fp16, under a name that holds on every machine."""
    model.peft_config["default"].base_model_name_or_path = site.base_name
    model.save_pretrained(str(site.output), save_embedding_layers=False)  # else it looks the base up on the Hub
    weights = site.output / ADAPTER_FILES[1]
    tensors = {name: tensor.half().contiguous() for name, tensor in load_file(weights).items()}
    _check_finite(tensors)
    weights.unlink()  # safetensors' own save_file makes one that nobody else may read
    weights.write_bytes(save_tensors(tensors, metadata={"format": "pt"}))


def _check_finite(tensors: Mapping[str, torch.Tensor]) -> None:
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise ComposerError(f"the training diverged: {name} is not finite. Lower the learning rate and start anew.")
