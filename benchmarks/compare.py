"""From a question to the answers of four merges and the base model: this engine, and the loops one writes with PEFT."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from time import perf_counter

import torch

from benchmarks.agreement import check
from benchmarks.peft_side import PeftSide
from benchmarks.plan import METHODS, SETTINGS, Plan
from benchmarks.questions import SHORT
from benchmarks.timing import CleanUp, Side, Times, interleaved, quartiles, versus
from composer.bank.manifest import load_bank
from composer.bank.store import AdapterStore
from composer.errors import ComposerError
from composer.inference.base import BaseModel, load_base
from composer.inference.gguf import base_folder
from composer.inference.packing import additive_mask, pack
from composer.inference.prompts import encode_option
from composer.lineup import BASE
from composer.merging import MergedAdapter, TrimCache
from composer.merging.cache import ByteCache
from composer.pipeline import Composer
from composer.retrieval.encoder import Encoder
from composer.types import Prediction, Query

ROUNDS = 48, 8
"""Beside a bare forward, and beside PEFT, which takes some twenty times as long."""
TOLERANCE = 1e-3
"""Between the log-probabilities (nats per token) of an option, in fp32: sums in another order."""
HALF_TOLERANCE = 0.5
"""The same in 16 bits, where the two sides round in other places: that they agree is shown in fp32."""
EXACT_ON_GPU = (BASE, "linear", "cat")
"""Of equal magnitudes, a GPU's top-k keeps any: there the methods that prune are compared and not held to it."""


def measure(plan: Plan) -> dict[str, object]:
    bank = load_bank(plan.bank)
    composer = forgetful(Composer.open(bank, cache_dir=plan.cache_dir, device=plan.device))
    try:
        questions = of_several_adapters(composer, SHORT[:2] if plan.quick else SHORT)
        tasks = sorted({task for query in questions for task, _ in adapters_of(composer, query)})
        exact = in_full_precision(composer, tasks, questions[:2], plan)
        peft = PeftSide.of_bank(bank, plan, tasks=tasks)
        return {**compared(composer, peft, questions, plan), **exact}
    finally:
        composer.close()


def forgetful(composer: Composer) -> Composer:
    """The same, but nothing of a question is remembered: neither its vector nor its merges. Trimmed adapters are."""
    source = composer.bank.encoder
    encoder = Encoder(source, cache_size=1)
    encoder.load()
    return replace(composer, encoder=encoder, merges=ByteCache(0, lambda merged: 1))


def of_several_adapters(composer: Composer, questions: Sequence[Query]) -> tuple[Query, ...]:
    """Those that merge at least two adapters. With one alone PEFT turns every method into linear.

    Raises ComposerError where there is none.
    """
    found = tuple(query for query in questions if len(adapters_of(composer, query)) > 1)
    if not found:
        raise ComposerError("no question merges more than one adapter of this bank. Choose another bank.")
    return found


def adapters_of(composer: Composer, query: Query) -> tuple[tuple[str, float], ...]:
    return composer.route(composer.retrieve(query, SETTINGS), SETTINGS).kept


def answer(composer: Composer, query: Query) -> tuple[Prediction, ...]:
    """A compare without the contributions, which have no counterpart in PEFT."""
    return _scored(composer, query, _merged(composer, query))


def _merged(composer: Composer, query: Query) -> list[MergedAdapter]:
    choice = adapters_of(composer, query)
    return [composer.merge(choice, SETTINGS, method) for method in METHODS]


def _scored(composer: Composer, query: Query, merged: Sequence[MergedAdapter]) -> tuple[Prediction, ...]:
    return tuple(one for one in composer.score(query, merged, SETTINGS) if isinstance(one, Prediction))


@dataclass(frozen=True)
class PeftLoop:
    """Retrieval and weights are ours on both sides, as PEFT has none; the rest is PEFT as its documentation shows."""

    composer: Composer
    peft: PeftSide
    batched: bool = False
    """All options of the question in one padded forward per method, and not a forward for each."""

    def answer(self, query: Query) -> tuple[list[list[float]], CleanUp]:
        """Log-probabilities per model (the base first) and option; the clean-up deletes the merges."""
        composer = self.composer
        choice = adapters_of(composer, query)
        prompt = composer.fit(query).text_tokens
        options = option_ids(composer, query)
        names = [self.peft.merge(method, choice, SETTINGS.merge) for method in METHODS]
        read = self.peft.log_probabilities_at_once if self.batched else self.peft.log_probabilities
        found = [read(name, prompt, options) for name in (None, *names)]
        return found, lambda: self.peft.drop(*names)


def option_ids(composer: Composer, query: Query) -> list[tuple[int, ...]]:
    return [encode_option(composer.base.tokenizer, composer.bank.prompt_template, one) for one in query.options]


def bare_forward(composer: Composer, query: Query, slots: int = len(METHODS) + 1) -> Callable[[], object]:
    """The least that a compare can take: the question's packed row, once per slot, through the base alone."""
    base, row = composer.base, pack(composer.fit(query).text_tokens, sorted(set(option_ids(composer, query))))
    inputs = {
        "input_ids": row.ids.to(base.device).expand(slots, -1),
        "attention_mask": additive_mask(row.visible, base.model.dtype).to(base.device),
        "position_ids": row.positions.to(base.device)[None],
        "logits_to_keep": row.predictors.to(base.device),
    }

    def forward() -> None:
        with torch.inference_mode():
            base.model(**inputs, use_cache=False)

    return forward


def compared(
    composer: Composer, peft: PeftSide, questions: Sequence[Query], plan: Plan, *, rounds: tuple[int, int] = ROUNDS
) -> dict[str, object]:
    """Agreement first, then the times: ours beside a bare forward of the same rows, and beside both ways with PEFT."""
    one, batched = PeftLoop(composer, peft), PeftLoop(composer, peft, batched=True)
    tolerance = TOLERANCE if composer.base.dtype == torch.float32 else HALF_TOLERANCE
    parity = agreement(composer, (one, batched), questions[: 2 if plan.quick else 4], tolerance)
    for query in questions:  # warm: every adapter that will be asked for is in memory, and trimmed
        answer(composer, query)

    def ours() -> Side:
        turns = cycle(questions)
        return lambda: _no_clean_up(answer(composer, next(turns)))

    def theirs(loop: PeftLoop) -> Side:
        turns = cycle(questions)
        return lambda: loop.answer(next(turns))[1]

    def timed(label: str, sides: dict[str, Side], rounds: int) -> dict[str, Times]:
        progress = plan.progress(f"compare, rounds {label}")
        return interleaved(sides, plan.rounds(rounds), before=forget, settle=settled(composer), progress=progress)

    def forget() -> None:
        composer.encoder.encode(["another question"])

    passes, asked = [], cycle(questions)

    def ours_in_parts() -> None:
        query = next(asked)
        merged = _merged(composer, query)
        settled(composer)()
        started = perf_counter()
        _scored(composer, query, merged)
        passes.append((perf_counter() - started) * 1000)

    forwards = cycle([bare_forward(composer, query) for query in questions])
    alone = timed(
        "beside a bare forward", {"ours": ours_in_parts, "bare": lambda: _no_clean_up(next(forwards)())}, rounds[0]
    )
    peft_too = timed("beside PEFT", {"ours": ours(), "peft": theirs(one), "batched": theirs(batched)}, rounds[1])
    return {
        "ours_ms": round(alone["ours"].median, 3),
        "ours_spread_ms": [round(value, 3) for value in alone["ours"].spread],
        "p95_ms": round(_p95(alone["ours"]), 3),
        "rounds": len(alone["ours"].ms),
        "bare": _beside_bare(alone["ours"], Times(tuple(passes[-len(alone["ours"].ms) :])), alone["bare"]),
        "peft": versus(peft_too["ours"], peft_too["peft"]),
        "batched": versus(peft_too["ours"], peft_too["batched"]),
        "tokens_per_row": statistics.median(_row_length(composer, query) for query in questions),
        "adapters_per_question": round(statistics.mean(len(adapters_of(composer, query)) for query in questions), 2),
        **parity,
    }


def settled(composer: Composer) -> Callable[[], object]:
    """What waits until the device has done its work."""
    return torch.cuda.synchronize if composer.base.device.type == "cuda" else lambda: None


def _beside_bare(whole: Times, scoring: Times, bare: Times) -> dict[str, object]:
    """`ratio` is of the pass that scores, `whole_ratio` of all from the question on; both round by round."""
    ratios = {
        name: [a / b for a, b in zip(times.ms, bare.ms, strict=True)]
        for name, times in (("ratio", scoring), ("whole_ratio", whole))
    }
    return {
        "bare_ms": round(bare.median, 3),
        "bare_spread_ms": [round(value, 3) for value in bare.spread],
        "pass_ms": round(scoring.median, 3),
        "pass_spread_ms": [round(value, 3) for value in scoring.spread],
        **{name: round(statistics.median(rounds), 3) for name, rounds in ratios.items()},
        **{f"{name}_spread": [round(value, 3) for value in quartiles(rounds)] for name, rounds in ratios.items()},
    }


def _row_length(composer: Composer, query: Query) -> int:
    return len(pack(composer.fit(query).text_tokens, option_ids(composer, query)).ids)


def in_full_precision(
    composer: Composer, tasks: Sequence[str], questions: Sequence[Query], plan: Plan
) -> dict[str, object]:
    """Both sides in fp32, where the same numbers must come out: what the timed run computes in may be coarser."""
    base = _full(composer, plan)
    adapters = AdapterStore(composer.bank, base.module_shapes, device=base.device, dtype=base.dtype)
    exact = replace(composer, base=base, adapters=adapters, trimmed=TrimCache())
    peft = PeftSide(_full(composer, plan), PeftSide.folders(composer.bank, tasks))
    loops = [PeftLoop(exact, peft, batched) for batched in (False, True)]
    checked = EXACT_ON_GPU if base.device.type == "cuda" else (BASE, *METHODS)
    found = agreement(exact, loops, questions, TOLERANCE, checked)
    return {"largest_difference_fp32": found["largest_difference"]}


def _full(composer: Composer, plan: Plan) -> BaseModel:
    folder = base_folder(composer.bank.base, plan.cache_dir)
    return load_base(folder, quantization=composer.bank.quantization, device=plan.device, dtype=torch.float32)


def agreement(
    composer: Composer,
    loops: Iterable[PeftLoop],
    questions: Sequence[Query],
    tolerance: float,
    checked: Sequence[str] = (BASE, *METHODS),
) -> dict[str, object]:
    """Every option's log-probability per token under the models `checked`, and which option each model chooses.

    Raises ComposerError where the two sides differ by more than the tolerance.
    """
    worst, same, total = 0.0, 0, 0
    for query in questions:
        mine, lengths = answer(composer, query), [len(ids) for ids in option_ids(composer, query)]
        for loop in loops:
            theirs, clean_up = loop.answer(query)
            clean_up()
            for prediction, sums in zip(mine, theirs, strict=True):
                pairs = list(zip(prediction.log_probabilities, sums, lengths, strict=True))
                if prediction.method in checked:
                    worst = max(worst, *(abs(a - b) / n for a, b, n in pairs))
                scores = [b / n for _, b, n in pairs]
                total += 1
                same += prediction.chosen == scores.index(max(scores))
    check("compare, log-probability per token", worst, tolerance)
    return {"largest_difference": worst, "same_choice": f"{same} of {total}"}


def _p95(times: Times) -> float:
    return sorted(times.ms)[max(0, round(0.95 * len(times.ms)) - 1)]


def _no_clean_up(found: object) -> None:
    """Ours are values, and go when nobody holds them."""
