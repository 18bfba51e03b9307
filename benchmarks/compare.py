"""From task weights to the answers of four merges and the base model: this engine, a bare forward, and PEFT."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import cycle
from time import perf_counter

import torch

from benchmarks.asked import Asked, asked_of
from benchmarks.engine import answer, around, bare_forward, merged, opened, row_length, scored, settled
from benchmarks.peft_loop import PeftAnswer, PeftLoop, agreement
from benchmarks.peft_side import PeftSide
from benchmarks.plan import Plan
from benchmarks.timing import CleanUp, Times, interleaved, quartiles, versus
from composer.bank.manifest import load_bank
from composer.inference.base import load_base
from composer.inference.gguf import base_folder
from composer.pipeline import Composer

ROUNDS, PEFT_ROUNDS = 56, 5
"""Beside a bare forward, and beside PEFT, which takes some thirty times as long."""
PEFT_SECONDS = 60
"""No round beside PEFT begins after it."""
PEFT_QUESTIONS = 3
"""PEFT's side loads the adapters of these alone, and is asked no others."""
STAGES = ("merge", "score", "explain")


def measure(plan: Plan) -> dict[str, object]:
    bank = load_bank(plan.bank)
    questions = asked_of(bank)[: 2 if plan.quick else None]
    exact = in_full_precision(plan, questions[:1])
    composer = opened(bank, plan)
    beside = questions[:PEFT_QUESTIONS]
    return {**compared(composer, questions, beside, plan), **exact}


def in_full_precision(plan: Plan, questions: Sequence[Asked]) -> dict[str, object]:
    """Both sides in fp32, where the same numbers must come out: what the timed run computes in may be coarser."""
    bank = load_bank(plan.bank)
    folder = base_folder(bank.base, plan.cache_dir)
    base = load_base(folder, quantization=bank.quantization, device=plan.device, dtype=torch.float32)
    composer = around(bank, base)
    loop = PeftLoop(composer, PeftSide.of_base(base, bank, tasks_of(questions)))
    return {"largest_difference_fp32": agreement(loop, questions, "compare in fp32")["largest_difference"]}


def tasks_of(questions: Sequence[Asked]) -> list[str]:
    return sorted({task for asked in questions for task, _ in asked.weights})


def compared(
    composer: Composer,
    questions: Sequence[Asked],
    beside: Sequence[Asked],
    plan: Plan,
    *,
    rounds: int = ROUNDS,
    peft_rounds: int = PEFT_ROUNDS,
    peft: PeftSide | None = None,
) -> dict[str, object]:
    """Ours beside a bare forward over `questions`, then agreement and times beside PEFT over the questions `beside`."""
    for asked in questions:  # warm: every adapter that will be asked for is in memory, and trimmed
        answer(composer, asked)
    alone = beside_bare(composer, questions, plan, rounds)
    peft = peft or PeftSide.of_base(composer.base, composer.bank, tasks_of(beside))
    loop = PeftLoop(composer, peft)
    parity = agreement(loop, beside[: 1 if plan.quick else 2])
    return {**alone, **beside_peft(loop, beside, plan, peft_rounds), **parity}


def beside_bare(composer: Composer, questions: Sequence[Asked], plan: Plan, rounds: int) -> dict[str, object]:
    """The whole compare and its parts, and the base's forward of the same rows: in every round the same question."""
    turns = {name: cycle(questions) for name in ("ours", "bare")}
    forwards = {asked: bare_forward(composer, asked.query) for asked in questions}
    spent: dict[str, list[float]] = {stage: [] for stage in STAGES}
    settle = settled(composer)

    def stage(name: str, started: float) -> float:
        settle()
        ended = perf_counter()
        spent[name].append((ended - started) * 1000)
        return ended

    def ours() -> None:
        asked, at = next(turns["ours"]), perf_counter()
        merges = merged(composer, asked.weights)
        at = stage("merge", at)
        scored(composer, asked.query, merges)
        at = stage("score", at)
        composer.contributions(asked.weights, merges)
        stage("explain", at)

    def bare() -> None:
        forwards[next(turns["bare"])]()

    times = interleaved(
        {"ours": ours, "bare": bare},
        plan.rounds(rounds),
        settle=settle,
        progress=plan.progress("compare, rounds beside a bare forward"),
    )
    count = len(times["bare"].ms)
    parts = {name: Times(tuple(ms[-count:])) for name, ms in spent.items()}  # without the warm-up
    return {
        **_ours(parts["merge"] + parts["score"]),
        "parts": {name: {"ms": round(part.median, 3), "spread_ms": _rounded(part)} for name, part in parts.items()},
        "bare": _against(parts, times["bare"]),
        "questions": len(questions),
        "tokens_per_row": statistics.median(row_length(composer, asked.query) for asked in questions),
        "adapters_per_question": round(statistics.mean(len(asked.weights) for asked in questions), 2),
    }


def beside_peft(loop: PeftLoop, questions: Sequence[Asked], plan: Plan, rounds: int) -> dict[str, object]:
    """Ours, and PEFT's merges with either way to read the options. No warm-up: the agreement was one."""
    turns = {name: cycle(questions) for name in ("ours", "peft")}
    found: list[PeftAnswer] = []

    def ours() -> None:
        answer(loop.composer, next(turns["ours"]))

    def theirs() -> CleanUp:
        taken, names = loop.answer(next(turns["peft"]))
        found.append(taken)
        return lambda: loop.peft.drop(*names)

    times = interleaved(
        {"ours": ours, "peft": theirs},
        plan.rounds(rounds),
        warmup=0,
        settle=settled(loop.composer),
        progress=plan.progress("compare, rounds beside PEFT"),
        within_s=plan.seconds(PEFT_SECONDS),
    )
    return {
        "peft": versus(times["ours"], Times(tuple(one.merge_ms + one.one_ms for one in found))),
        "batched": versus(times["ours"], Times(tuple(one.merge_ms + one.batched_ms for one in found))),
    }


def _ours(whole: Times) -> dict[str, object]:
    return {
        "ours_ms": round(whole.median, 3),
        "ours_spread_ms": _rounded(whole),
        "p95_ms": round(sorted(whole.ms)[max(0, round(0.95 * len(whole.ms)) - 1)], 3),
        "rounds": len(whole.ms),
    }


def _against(parts: dict[str, Times], bare: Times) -> dict[str, object]:
    """`ratio` is of merges and scores, `pass_ratio` of the pass that scores alone; both round by round."""
    sides = {"ratio": parts["merge"] + parts["score"], "pass_ratio": parts["score"]}
    ratios = {name: [a / b for a, b in zip(times.ms, bare.ms, strict=True)] for name, times in sides.items()}
    return {
        "bare_ms": round(bare.median, 3),
        "bare_spread_ms": _rounded(bare),
        **{name: round(statistics.median(rounds), 3) for name, rounds in ratios.items()},
        **{f"{name}_spread": [round(value, 3) for value in quartiles(rounds)] for name, rounds in ratios.items()},
    }


def _rounded(times: Times) -> list[float]:
    return [round(value, 3) for value in times.spread]
