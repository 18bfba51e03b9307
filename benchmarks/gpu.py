"""Llama-2-7b's shape in 4 bits on a GPU, with random weights: merging, a compare, memory, training, parity with PEFT.

The same code runs on a CPU at a small shape, where it can be checked but says nothing about speed.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from transformers import LlamaConfig

from benchmarks import bandwidth, compare, engine, merge, training
from benchmarks.agreement import check
from benchmarks.asked import Asked, asked_of
from benchmarks.attempt import attempted
from benchmarks.peft_loop import HALF_TOLERANCE
from benchmarks.peft_side import PeftSide
from benchmarks.plan import SETTINGS, Plan
from benchmarks.random_bank import Shape, write_random_bank
from composer.bank.manifest import Bank, load_bank
from composer.inference.prompts import encode_prompt
from composer.pipeline import Composer
from composer.training.recipe import PAPER
from composer.types import Prediction, Query

LLAMA_2_7B = Shape(
    LlamaConfig(
        hidden_size=4096,
        intermediate_size=11008,
        num_hidden_layers=32,
        num_attention_heads=32,
        max_position_embeddings=4096,
    ),
    adapters=4,  # each is 320 MB; as many as the engine keeps on a GPU
    rank=64,
    rows=200,
)
TINY = Shape(
    LlamaConfig(
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=256,
    ),
    adapters=4,
    rank=4,
    rows=20,
    dtype=torch.float32,
)
PROMPT_TOKENS = 64
ROUNDS, PEFT_ROUNDS = 24, 2
"""Of a compare: beside a bare forward, and beside PEFT, whose four merges take a quarter of a minute."""
TRAINING_ROWS = 160


def measure(plan: Plan) -> dict[str, object]:
    on_gpu = plan.device == "cuda"
    return measured(plan, TINY if plan.quick or not on_gpu else LLAMA_2_7B)


def measured(plan: Plan, shape: Shape) -> dict[str, object]:
    with TemporaryDirectory(prefix="composer-gpu-") as temporary:
        progress = plan.progress("gpu, random adapters")
        folder = Path(temporary) / "bank"
        bank = write_random_bank(folder, shape, load_bank(plan.bank), plan.cache_dir, progress)
        sides = Sides(bank, plan)
        parts = {
            "parity": lambda: parity(sides.composer, sides.peft, [one.query for one in sides.questions[:3]]),
            "compare": lambda: sides.compare(),
            "merge": lambda: merge.on_device(sides.composer, sides.peft, plan, bank.tasks[:4], "gpu, merge"),
        }
        device = torch.cuda.get_device_name() if plan.device == "cuda" else "cpu"
        found = {"device": device, **sides.alone(), **attempted(parts)}
        sides.close()
        room = min(PAPER.max_tokens, shape.config.max_position_embeddings)
        recipe = replace(PAPER, epochs=1, warmup_steps=2, rank=shape.rank, max_tokens=room)
        rows = 8 if plan.quick else TRAINING_ROWS
        return {**found, **attempted({"training": lambda: training.of_bank(bank, plan, recipe, rows, plain=False)})}


class Sides:
    """The engine, and PEFT on a copy of the same base, which is made when it is first asked for."""

    def __init__(self, bank: Bank, plan: Plan) -> None:
        self.bank, self.plan = bank, plan
        self.composer = engine.opened(bank, plan)
        self.questions = [
            Asked(_lengthened(self.composer, one.query), one.weights) for one in asked_of(bank, (len(bank.tasks),))
        ][: 3 if plan.quick else 8]

    @cached_property
    def peft(self) -> PeftSide:
        return PeftSide.of_base(self.composer.base, self.bank, self.bank.tasks)

    def alone(self) -> dict[str, object]:
        """The engine's memory at its peak over the questions, and what the device's memory allows."""
        if self.composer.base.device.type != "cuda":
            return {}
        torch.cuda.reset_peak_memory_stats()
        for asked in self.questions:
            engine.answer(self.composer, asked)
        memory = {"memory_gb": round(torch.cuda.max_memory_reserved() / 1e9, 2)}
        return {**memory, "limits": bandwidth.limits(self.composer, self.questions[0].weights)}

    def compare(self) -> dict[str, object]:
        return compare.compared(
            self.composer,
            self.questions,
            self.questions[:1],
            self.plan,
            rounds=ROUNDS,
            peft_rounds=PEFT_ROUNDS,
            peft=self.peft,
        )

    def close(self) -> None:
        """Before anything else needs the device's memory."""
        self.__dict__.clear()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def parity(composer: Composer, peft: PeftSide, questions: Sequence[Query]) -> dict[str, object]:
    """The forward alone: one adapter, unmerged, on both sides. Raises ComposerError where log-probabilities differ."""
    exact = composer.base.dtype == torch.float32
    worst, same, total = 0.0, 0, 0
    for query in questions:
        prompt = composer.fit(query).text_tokens
        options = engine.option_ids(composer, query)
        for task in composer.bank.tasks[:3]:
            alone = composer.merge(((task, 1.0),), SETTINGS, "cat")
            base, mine = composer.score(query, [alone], SETTINGS)
            assert isinstance(base, Prediction) and isinstance(mine, Prediction)
            for prediction, name in ((base, None), (mine, task)):
                sums = peft.log_probabilities(name, prompt, options)
                pairs = list(zip(prediction.log_probabilities, sums, options, strict=True))
                worst = max(worst, *(abs(a - b) / len(option) for a, b, option in pairs))
                scores = [b / len(option) for _, b, option in pairs]
                same, total = same + (prediction.chosen == scores.index(max(scores))), total + 1
    check("gpu, log-probability per token", worst, 1e-4 if exact else HALF_TOLERANCE)
    return {"largest_difference": worst, "same_choice": f"{same} of {total}"}


def _lengthened(composer: Composer, query: Query) -> Query:
    """The question's words, cut or repeated, so that its prompt has 64 tokens or just over."""
    words = cycle(query.retrieval_text.split())
    text = next(words)
    while len(encode_prompt(composer.base.tokenizer, composer.bank.prompt(text))) < PROMPT_TOKENS:
        text += f" {next(words)}"
    return Query(text, query.options)
