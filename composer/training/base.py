"""Pre-training of the small base model on marked prose: one resumable loop, steps on fp32 master weights."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from composer.bank.manifest import sha256_of
from composer.errors import SettingsError
from composer.microworld.marks import unmarked
from composer.microworld.prose import documents
from composer.training.base_batches import Batch, batches_of
from composer.training.precision import compute_dtype
from composer.training.tokenizer import train_tokenizer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BaseRecipe:
    """All that decides the weights, besides the prose itself."""

    hidden_size: int = 256
    layers: int = 6
    heads: int = 8
    intermediate_size: int = 768
    vocab_size: int = 4096
    max_tokens: int = 512
    seed: int = 7
    stages: tuple[tuple[int, int, int, str], ...] = (
        (600, 2_048, 128, "bindings"),
        (7_700, 4_096, 128, "all"),
        (200, 4_096, 256, "all"),
        (2_200, 4_096, 128, "practice"),
    )
    """(steps, tokens of a step, tokens of a row, mix of prose): looking up, then everything, then what forms last"""
    cycles: tuple[int, ...] = (10_700,)
    """Steps after which the learning rate has fallen to zero and starts anew; together all steps."""
    muon_lr: float = 0.015
    adam_lr: float = 2e-3
    warmup: int = 20
    decay: float = 0.5
    """Share of the steps over which the learning rate falls to zero at the end."""
    marked_weight: float = 15.0
    """How much more a token that its text decides counts in the loss."""
    guided_weight: float = 0.5
    """How much the guided heads count in the loss, see `losses_of`."""
    guided: tuple[tuple[int, int], ...] = ((1, 0), (3, 0), (3, 1), (4, 0))
    """(layer, head) that is shown where to look, for each kind of link in `marks`"""
    embedding_std: float = 0.1
    """Tied embeddings of the usual .02 cannot say which of hundreds of words is meant until they have grown."""
    match_gain: float = 0.8
    copy_gain: float = 0.7
    """Scales of the initial attention, see `start_attention`."""

    @property
    def steps(self) -> int:
        return sum(stage[0] for stage in self.stages)

    def config(self) -> LlamaConfig:
        return LlamaConfig(
            vocab_size=self.vocab_size, hidden_size=self.hidden_size, intermediate_size=self.intermediate_size,
            num_hidden_layers=self.layers, num_attention_heads=self.heads, num_key_value_heads=self.heads,
            max_position_embeddings=self.max_tokens, tie_word_embeddings=True, rms_norm_eps=1e-5,
            bos_token_id=None, eos_token_id=0, pad_token_id=1,
        )  # fmt: skip


CONTINUED = BaseRecipe(
    stages=(
        (1_500, 4_096, 128, "all"),
        (60, 4_096, 256, "all"),
        (1_000, 4_096, 128, "practice"),
    ),
    cycles=(2_560,),
    muon_lr=0.01,
    adam_lr=1.3e-3,
)
"""For a base that has read before and is to read something new, as the one that ships did: docs/log.md, 2026-11-26."""


def learning_rate(step: int, recipe: BaseRecipe) -> float:
    """Factor of the peak rate, per cycle: linear warm-up, flat, linear decay to zero."""
    for cycle in recipe.cycles:
        if step < cycle:
            left = (cycle - step) / max(1, recipe.decay * cycle)
            return min(1.0, (step + 1) / recipe.warmup, left)
        step -= cycle
    return 0.0


class _Master:
    """fp32 copies that the optimizers step; the model may compute in bf16. Muon for matrices, AdamW for the rest."""

    def __init__(self, model: LlamaForCausalLM, recipe: BaseRecipe) -> None:
        self.live = [p for p in model.parameters()]
        self.copies = [torch.nn.Parameter(p.detach().float().clone()) for p in self.live]
        names = [name for name, _ in model.named_parameters()]
        matrix = [copy for name, copy in zip(names, self.copies, strict=True) if copy.ndim == 2 and "embed" not in name]
        rest = [copy for name, copy in zip(names, self.copies, strict=True) if copy.ndim != 2 or "embed" in name]
        self.optimizers = [
            torch.optim.Muon(matrix, lr=recipe.muon_lr, momentum=0.95, weight_decay=0.01),
            torch.optim.AdamW(rest, lr=recipe.adam_lr, betas=(0.9, 0.97), weight_decay=0.0),
        ]
        self.peaks = [recipe.muon_lr, recipe.adam_lr]

    def step(self, factor: float) -> None:
        for copy, live in zip(self.copies, self.live, strict=True):
            copy.grad = None if live.grad is None else live.grad.float()
            live.grad = None
        torch.nn.utils.clip_grad_norm_(self.copies, 1.0)
        for optimizer, peak in zip(self.optimizers, self.peaks, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = peak * factor
            optimizer.step()
        self.publish()

    def publish(self) -> None:
        with torch.no_grad():
            for copy, live in zip(self.copies, self.live, strict=True):
                live.copy_(copy)

    def state(self) -> dict:
        return {"copies": [c.detach() for c in self.copies], "optimizers": [o.state_dict() for o in self.optimizers]}

    def restore(self, state: dict) -> None:
        with torch.no_grad():
            for copy, saved in zip(self.copies, state["copies"], strict=True):
                copy.copy_(saved)
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.publish()


def start_attention(model: LlamaForCausalLM, recipe: BaseRecipe) -> None:
    """Start with attention that already matches and copies: half of the heads look for tokens like the present one
    (queries equal keys), and all together write down what they look at (output times value is a multiple of one).

    From the usual random start, copying within the context had not formed after 9 M tokens; from this one it had after
    2 M. After Trockman & Kolter, "Mimetic initialization of self-attention layers", 2023.
    """
    width = recipe.hidden_size
    for layer in model.model.layers:
        match, copy = (torch.linalg.qr(torch.randn(width, width))[0] for _ in range(2))
        attention = layer.self_attn
        with torch.no_grad():
            for projection in (attention.q_proj, attention.k_proj):
                projection.weight[: width // 2] = recipe.match_gain * match[: width // 2]
            attention.v_proj.weight.copy_(recipe.copy_gain * copy)
            attention.o_proj.weight.copy_(recipe.copy_gain * copy.T)
            layer.mlp.down_proj.weight.mul_(0.3)


def _new_model(recipe: BaseRecipe) -> LlamaForCausalLM:
    torch.manual_seed(recipe.seed)
    model = LlamaForCausalLM._from_config(recipe.config(), attn_implementation="eager")
    with torch.no_grad():
        model.model.embed_tokens.weight.normal_(0, recipe.embedding_std)
    start_attention(model, recipe)
    frequencies = model.model.rotary_emb.inv_freq.clone()
    model = model.to(compute_dtype())
    model.model.rotary_emb.inv_freq = frequencies  # rounded to bf16, positions would differ from those at inference
    return model


def train_base(
    folder: Path,
    work: Path,
    recipe: BaseRecipe,
    *,
    start: Path | None = None,
    checkpoint_every: int = 250,
    compiled: bool = True,
) -> None:
    """Train tokenizer and model, write both to `folder`. Checkpoints in `work` let a killed run go on where it was.

    With `start` (a folder with a base model of the recipe's shape and its tokenizer) training begins from its weights.
    Raises SettingsError for a checkpoint of another recipe or start: its hours are not thrown away unasked.
    """
    work.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer(start or folder, recipe)
    model = _new_model(recipe)
    if start:
        model.load_state_dict(LlamaForCausalLM.from_pretrained(start).state_dict())
    master, checkpoint = _Master(model, recipe), work / "base.pt"
    made_by = record_of(recipe, start)
    done = _resume(master, checkpoint, made_by)
    log.info("base model: %.1f M parameters, step %d of %d", model.num_parameters() / 1e6, done, recipe.steps)
    forward = torch.compile(losses_of, dynamic=False) if compiled else losses_of
    started = time.monotonic()
    for step, batch in _batches(tokenizer, recipe, done):
        losses = forward(model, batch, recipe)
        losses.total.backward()
        master.step(learning_rate(step, recipe))
        if step % 25 == 0:
            seconds = (time.monotonic() - started) / (step + 1 - done)
            left = (recipe.steps - step) * seconds / 60
            log.info(
                "step %d: loss %.3f, decided %.3f, guided %s, %.0f min left", step, losses.total.item(),
                losses.decided.item(), [round(found, 2) for found in losses.guided.tolist()], left,
            )  # fmt: skip
        if (step + 1) % checkpoint_every == 0:
            _save(checkpoint, {"master": master.state(), "step": step + 1, "made_by": json.dumps(made_by)})
    _write(model, master, tokenizer, folder)
    (folder / "recipe.json").write_text(json.dumps(made_by, indent=2) + "\n")


def record_of(recipe: BaseRecipe, start: Path | None) -> dict[str, object]:
    """What made a base: the recipe, and the sha256 of each file of weights that training began from."""
    files = sorted(start.glob("*.safetensors")) if start else []
    return {**asdict(recipe), "start": {path.name: sha256_of(path) for path in files}}


def _resume(master: _Master, checkpoint: Path, made_by: dict[str, object]) -> int:
    """The number of steps that the checkpoint has behind it; 0 without one. Raises SettingsError for another run's."""
    if not checkpoint.exists():
        return 0
    saved = torch.load(checkpoint, weights_only=True)
    if saved.get("made_by") != json.dumps(made_by):
        raise SettingsError(
            f"the checkpoint {checkpoint} is of another recipe, or began from other weights. Delete it to begin anew."
        )
    master.restore(saved["master"])
    return saved["step"]


def _batches(tokenizer: PreTrainedTokenizerFast, recipe: BaseRecipe, done: int) -> Iterator[tuple[int, Batch]]:
    """(step, batch) of every step that is still to do. A resumed stage reads on in other prose than it began with."""
    first = 0
    for stage, (steps, tokens, width, mix) in enumerate(recipe.stages):
        seed = recipe.seed + 1000 * stage + done
        batches = batches_of(
            tokenizer, tokens=tokens, width=width, mix=mix, seed=seed, decided_weight=recipe.marked_weight
        )
        for step in range(max(first, done), first + steps):
            yield step, next(batches)
        first += steps


class Losses(NamedTuple):
    total: Tensor
    """What is minimized."""
    decided: Tensor
    """Mean loss of the tokens that the text decides."""
    guided: Tensor
    """(kinds): the guided heads' attention, 0 to 1, on where it should be; its mean."""


def losses_of(model: LlamaForCausalLM, batch: Batch, recipe: BaseRecipe) -> Losses:
    """Weighted mean over tokens, and attention heads that are shown where to look.

    Looking a thing up takes two steps that are of use only together, so neither is found for a long time: the end of a
    phrase must know what the phrase is about, and a question must find the phrase. Guided heads are after Deshpande &
    Narasimhan, "Guiding attention for self-supervised learning with transformers", 2020.
    """
    output = model(input_ids=batch.ids[:, :-1], use_cache=False, output_attentions=True)
    losses = cross_entropy(output.logits.float().flatten(0, 1), batch.ids[:, 1:].flatten(), reduction="none")
    weights = batch.weights[:, 1:].flatten()
    decided = (weights > 1).float()
    guidance = [
        _guidance(output.attentions[layer][:, head], links)
        for (layer, head), links in zip(recipe.guided, batch.links, strict=True)
    ]
    return Losses(
        (losses * weights).sum() / weights.sum() + recipe.guided_weight * sum(surprise for surprise, _ in guidance),
        (losses.detach() * decided).sum() / decided.sum().clamp(min=1),
        torch.stack([found for _, found in guidance]),
    )


def _guidance(attention: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Mean surprise of a head, given (rows, from, to), at where it should look, and its mean attention there."""
    guided = (targets >= 0).float()
    count = guided.sum().clamp(min=1)
    found = attention.float().gather(-1, targets.clamp(min=0)[..., None])[..., 0]
    return -((found + 1e-4).log() * guided).sum() / count, (found.detach() * guided).sum() / count


def _tokenizer(folder: Path, recipe: BaseRecipe) -> PreTrainedTokenizerFast:
    if (folder / "tokenizer.json").exists():
        return PreTrainedTokenizerFast.from_pretrained(folder)
    source = documents(recipe.seed)
    log.info("training the tokenizer")
    return train_tokenizer(
        (unmarked(next(source)) for _ in range(60_000)),
        vocab_size=recipe.vocab_size,
        folder=folder,
        max_tokens=recipe.max_tokens,
    )


def _save(path: Path, state: dict) -> None:
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)  # a kill while writing leaves the last good checkpoint


def _write(model: LlamaForCausalLM, master: _Master, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """As fp16 safetensors in shards that stay below 10 MB."""
    model = model.float()
    with torch.no_grad():
        for copy, live in zip(master.copies, model.parameters(), strict=True):
            live.copy_(copy)
    model.half().save_pretrained(folder, max_shard_size="9MB")
    tokenizer.save_pretrained(folder)
