"""Llama-2-7b's shape in 4 bits on a GPU, with random weights: merging, a compare, memory, parity with PEFT's forward.

The same code runs on a CPU at a small shape, where it can be checked but says nothing about speed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from transformers import LlamaConfig

from benchmarks import compare, merge
from benchmarks.agreement import check
from benchmarks.peft_side import PeftSide
from benchmarks.plan import METHODS, SETTINGS, Plan
from benchmarks.questions import SHORT
from benchmarks.random_bank import Shape, write_random_bank
from composer.bank.manifest import load_bank
from composer.inference.prompts import encode_prompt
from composer.merging import MergedAdapter, TrimCache
from composer.pipeline import Composer
from composer.types import Prediction, Query

LLAMA_2_7B = Shape(
    LlamaConfig(
        hidden_size=4096,
        intermediate_size=11008,
        num_hidden_layers=32,
        num_attention_heads=32,
        max_position_embeddings=4096,
    ),
    adapters=8,  # each is 320 MB on disk, and a question merges about as many
    rank=64,
    rows=500,
)
TINY = Shape(
    LlamaConfig(
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=256,
    ),
    adapters=5,
    rank=4,
    rows=20,
    dtype=torch.float32,
)
PROMPT_TOKENS = 64
ROUNDS = 12, 3
"""Of a compare: beside a bare forward, and beside PEFT, whose four merges take a quarter of a minute."""


def measure(plan: Plan) -> dict[str, object]:
    on_gpu = plan.device == "cuda"
    return measured(plan, TINY if plan.quick or not on_gpu else LLAMA_2_7B)


def measured(plan: Plan, shape: Shape) -> dict[str, object]:
    with TemporaryDirectory(prefix="composer-gpu-") as temporary:
        folder = Path(temporary)
        progress = plan.progress("gpu, random adapters")
        bank = write_random_bank(folder / "bank", shape, load_bank(plan.bank), plan.cache_dir, progress)
        opened = Composer.open(bank, cache_dir=folder / "cache", device=plan.device)
        composer = compare.forgetful(opened)
        try:
            asked = [_lengthened(composer, query) for query in SHORT]
            questions = compare.of_several_adapters(composer, asked)[: 3 if plan.quick else 12]
            memory = _memory(composer, questions)  # before PEFT's side takes any
            peft = PeftSide.of_bank(bank, plan)
            return {
                "device": torch.cuda.get_device_name() if plan.device == "cuda" else "cpu",
                "parity": parity(composer, peft, questions[:3]),
                "merge": _merge(composer, peft, plan),
                "compare": compare.compared(composer, peft, questions, plan, rounds=ROUNDS),
                **memory,
            }
        finally:
            composer.close()


def parity(composer: Composer, peft: PeftSide, questions: Sequence[Query]) -> dict[str, object]:
    """The forward alone: one adapter, unmerged, on both sides. Raises ComposerError where log-probabilities differ."""
    exact = composer.base.dtype == torch.float32
    worst, same, total = 0.0, 0, 0
    for query in questions:
        prompt = composer.fit(query).text_tokens
        options = compare.option_ids(composer, query)
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
    check("gpu, log-probability per token", worst, 1e-4 if exact else compare.HALF_TOLERANCE)
    return {"largest_difference": worst, "same_choice": f"{same} of {total}"}


def _merge(composer: Composer, peft: PeftSide, plan: Plan) -> dict[str, object]:
    adapters = [composer.adapters.get(task) for task in composer.bank.tasks[:4]]
    half = composer.base.dtype != torch.float32
    choice = merge.choice_of(adapters)

    def make(method: str, trimmed: TrimCache | None) -> MergedAdapter:
        cache = trimmed if trimmed is not None else TrimCache(0)
        return replace(composer, trimmed=cache).merge(choice, SETTINGS, method)

    return merge.compared(
        peft,
        adapters,
        plan,
        rounds=plan.rounds(4),
        label="gpu, merge",
        make=make,
        # In 16 bits many magnitudes are equal, and which of them a GPU's top-k keeps is anyone's guess.
        checked=("linear", "cat") if half else METHODS,
        tolerance=1e-2 if half else merge.TOLERANCE,
        settle=compare.settled(composer),
    )


def _memory(composer: Composer, questions: Sequence[Query]) -> dict[str, object]:
    """The engine alone, at its peak over the questions."""
    if composer.base.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    for query in questions:
        compare.answer(composer, query)
    if composer.base.device.type != "cuda":
        return {}
    return {"memory_gb": round(torch.cuda.max_memory_reserved() / 1e9, 2)}


def _lengthened(composer: Composer, query: Query) -> Query:
    """The question's words, cut or repeated, so that its prompt has 64 tokens or just over."""
    words = cycle(query.retrieval_text.split())
    text = next(words)
    while len(encode_prompt(composer.base.tokenizer, composer.bank.prompt(text))) < PROMPT_TOKENS:
        text += f" {next(words)}"
    return Query(text, query.options)
