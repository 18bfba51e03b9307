"""Pre-training of the small base model on marked prose: one resumable loop, steps on fp32 master weights."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from tokenizers import Encoding
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from composer.microworld.prose import CLOSE, OPEN, documents, unmarked
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
    batch_tokens: int = 4096
    stages: tuple[tuple[int, int, str], ...] = (
        (600, 96, "scenes"),
        (2_800, 128, "all"),
        (100, 256, "all"),
        (1_000, 128, "practice"),
    )
    """(steps, tokens per row, mix of prose): short copying first, then everything, then what forms last once more"""
    cycles: tuple[int, ...] = (3_500, 1_000)
    """Steps after which the learning rate has fallen to zero and starts anew; together all steps."""
    muon_lr: float = 0.01
    adam_lr: float = 2e-3
    warmup: int = 50
    decay: float = 0.35
    """Share of the steps over which the learning rate falls to zero at the end."""
    marked_weight: float = 15.0
    """How much more a marked token counts in the loss."""
    match_gain: float = 0.8
    copy_gain: float = 0.7
    """Scales of the initial attention, see `start_attention`."""

    @property
    def steps(self) -> int:
        return sum(steps for steps, _, _ in self.stages)

    def config(self) -> LlamaConfig:
        return LlamaConfig(
            vocab_size=self.vocab_size, hidden_size=self.hidden_size, intermediate_size=self.intermediate_size,
            num_hidden_layers=self.layers, num_attention_heads=self.heads, num_key_value_heads=self.heads,
            max_position_embeddings=self.max_tokens, tie_word_embeddings=True, rms_norm_eps=1e-5,
            bos_token_id=None, eos_token_id=0, pad_token_id=1,
        )  # fmt: skip


def rows(
    tokenizer: PreTrainedTokenizerFast, recipe: BaseRecipe, *, width: int, mix: str, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless batches (ids, loss weights), each (rows, width + 1): documents in a row, parted by the end token.

    A row begins with a document's beginning, and what does not fit is dropped: half a document at the start of a row
    would hold questions about a text that is not there, and teach to guess.
    """
    source = documents(seed, mix)
    finished: list[tuple[list[int], list[float]]] = []
    ids: list[int] = []
    weights: list[float] = []
    need = recipe.batch_tokens // width
    while True:
        while len(finished) < need:
            for marked, encoding in _encoded(tokenizer, [next(source) for _ in range(256)]):
                ids += [*encoding.ids, tokenizer.eos_token_id]
                weights += [*_weights(marked, encoding.offsets, recipe.marked_weight), 1.0]
                if len(ids) > width:
                    finished.append((ids[: width + 1], weights[: width + 1]))
                    ids, weights = [], []
        batch, finished = finished[:need], finished[need:]
        yield torch.tensor([row for row, _ in batch]), torch.tensor([row for _, row in batch])


def _encoded(tokenizer: PreTrainedTokenizerFast, marked: list[str]) -> Iterator[tuple[str, Encoding]]:
    encodings = tokenizer.backend_tokenizer.encode_batch([unmarked(text) for text in marked])
    return zip(marked, encodings, strict=True)


def _weights(marked: str, offsets: list[tuple[int, int]], weight: float) -> list[float]:
    inside, mask = False, []
    for char in marked:
        if char in (OPEN, CLOSE):
            inside = char == OPEN
        else:
            mask.append(inside)
    return [weight if any(mask[start:end]) else 1.0 for start, end in offsets]


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
    start_attention(model, recipe)
    frequencies = model.model.rotary_emb.inv_freq.clone()
    model = model.to(compute_dtype())
    model.model.rotary_emb.inv_freq = frequencies  # rounded to bf16, positions would differ from those at inference
    return model


def train_base(
    folder: Path, work: Path, recipe: BaseRecipe, *, checkpoint_every: int = 250, compiled: bool = True
) -> None:
    """Train tokenizer and model, write both to `folder`. Checkpoints in `work` let a killed run go on where it was."""
    work.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer(folder, recipe)
    model = _new_model(recipe)
    master, checkpoint = _Master(model, recipe), work / "base.pt"
    done = _resume(master, checkpoint)
    log.info("base model: %.1f M parameters, step %d of %d", model.num_parameters() / 1e6, done, recipe.steps)
    forward = torch.compile(_loss, dynamic=False) if compiled else _loss
    started = time.monotonic()
    for step, (ids, weights) in _batches(tokenizer, recipe, done):
        loss, marked = forward(model, ids, weights)
        loss.backward()
        master.step(learning_rate(step, recipe))
        if step % 25 == 0:
            seconds = (time.monotonic() - started) / (step + 1 - done)
            left = (recipe.steps - step) * seconds / 60
            log.info("step %d: loss %.3f, marked %.3f, %.0f min left", step, loss.item(), marked.item(), left)
        if (step + 1) % checkpoint_every == 0:
            _save(checkpoint, {"master": master.state(), "step": step + 1})
    _write(model, master, tokenizer, folder, recipe)


def _resume(master: _Master, checkpoint: Path) -> int:
    """The number of steps that the checkpoint has behind it; 0 without one."""
    if not checkpoint.exists():
        return 0
    saved = torch.load(checkpoint, weights_only=True)
    master.restore(saved["master"])
    return saved["step"]


def _batches(
    tokenizer: PreTrainedTokenizerFast, recipe: BaseRecipe, done: int
) -> Iterator[tuple[int, tuple[Tensor, Tensor]]]:
    """(step, batch) of every step that is still to do. A resumed stage reads on in other prose than it began with."""
    first = 0
    for stage, (steps, width, mix) in enumerate(recipe.stages):
        batches = rows(tokenizer, recipe, width=width, mix=mix, seed=recipe.seed + 1000 * stage + done)
        for step in range(max(first, done), first + steps):
            yield step, next(batches)
        first += steps


def _loss(model: LlamaForCausalLM, ids: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted mean over tokens (what is minimized), and the plain mean over marked tokens (what is watched)."""
    logits = model(input_ids=ids[:, :-1], use_cache=False).logits.float()
    losses = cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
    w = weights[:, 1:].flatten()
    marked = (w > 1).float()
    return (losses * w).sum() / w.sum(), (losses.detach() * marked).sum() / marked.sum().clamp(min=1)


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


def _write(
    model: LlamaForCausalLM, master: _Master, tokenizer: PreTrainedTokenizerFast, folder: Path, recipe: BaseRecipe
) -> None:
    """As fp16 safetensors in shards that stay below 10 MB, with the recipe beside them."""
    model = model.float()
    with torch.no_grad():
        for copy, live in zip(master.copies, model.parameters(), strict=True):
            live.copy_(copy)
    model.half().save_pretrained(folder, max_shard_size="9MB")
    tokenizer.save_pretrained(folder)
    (folder / "recipe.json").write_text(json.dumps(asdict(recipe), indent=2) + "\n")
