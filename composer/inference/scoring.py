"""Scores of every option under the base, merges and gates, in one forward pass (pmi adds one of the bare template).

Rows are (slots, tokens): slot 0 is the base, every merge has one, and each runs the same packed row (`packing`), in
which the prompt stands once. So the prompt is computed once per slot, no cache is copied and nothing is padded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from time import perf_counter

import torch
from torch import Tensor

from composer.errors import InferenceError
from composer.inference.base import BaseModel
from composer.inference.batched_lora import Slots, applied, build_slots, check_fits, together_pays
from composer.inference.packing import PackedRow, additive_mask, pack
from composer.inference.prompts import FittedPrompt, empty_prompt, encode_option, fit_prompt
from composer.merging.gating import AnyAdapter
from composer.scores import PMI, OptionSizes, best, check_rule, normalized
from composer.types import Failure, Prediction

BASE = "base"


def score(
    base: BaseModel,
    prompt: str | FittedPrompt,
    options: Sequence[str],
    merged: Sequence[AnyAdapter],
    *,
    template: str,
    normalization: str = "tokens",
    unconditional: bool = False,
    score_eos: bool = False,
    base_too: bool = True,
) -> tuple[Prediction | Failure, ...]:
    """The base first (method "base"; not without `base_too`), then one answer per merge in the order given.

    A Failure harms no other.

    `normalization` is one of `scores.RULES`. `unconditional`, which `pmi` implies, reads the options after the template
    with no question too, in a second, short pass; it changes no bit of the first.
    `prompt` is a question, or what `fit_prompt` made of question and context, which also says what was cut.
    `score_eos` counts the end token after each option, for adapters that were trained to write one. `milliseconds` is
    the pass's wall time divided by the slots that ran. The order of the options changes no score, not in the last bit.
    Raises InferenceError for options that are too long or have no tokens.
    """
    started = perf_counter()
    check_rule(normalization)
    answers = _answers(base, template, options, score_eos)
    if isinstance(prompt, str):
        prompt = fit_prompt(base.tokenizer, template, None, prompt, options, base.max_tokens)
    _check_room(base, prompt, answers)
    failures = _misfits(base, merged)
    usable = [i for i in range(len(merged)) if i not in failures]
    if not usable and not base_too:
        return tuple(failures[i] for i in range(len(merged)))
    distinct = sorted(set(answers))  # one fixed order in the row, whatever order they were given in
    rows = [pack(prompt.text_tokens, distinct)]
    if unconditional or normalization == PMI:
        rows.append(pack(empty_prompt(base.tokenizer, template), distinct))
    slots, totals = _in_one_pass(base, [merged[i] for i in usable], rows, base_too)
    milliseconds = (perf_counter() - started) * 1000 / slots.count
    place = dict(zip(usable, slots.order, strict=True))
    sizes = OptionSizes.of(options, [len(tokens) for tokens in answers])

    def answer(method: str, slot: int) -> Prediction | Failure:
        try:
            found = [tuple(of_row[slot][distinct.index(tokens)] for tokens in answers) for of_row in totals]
            return _prediction(method, found, normalization, sizes, milliseconds)
        except InferenceError as error:
            return Failure(method, str(error))

    return (
        *([answer(BASE, 0)] if base_too else []),
        *(failures[i] if i in failures else answer(one.method, place[i]) for i, one in enumerate(merged)),
    )


def _answers(base: BaseModel, template: str, options: Sequence[str], score_eos: bool) -> list[tuple[int, ...]]:
    if len(options) < 2:
        raise InferenceError(f"{len(options)} options were given; at least 2 can be compared.")
    end = base.tokenizer.eos_token_id
    if score_eos and end is None:
        raise InferenceError(
            "the end token is to be scored, but the base model's tokenizer has none. Set score_eos to false."
        )
    ending = (end,) if score_eos else ()
    return [encode_option(base.tokenizer, template, option) + ending for option in options]


def _check_room(base: BaseModel, prompt: FittedPrompt, answers: Sequence[tuple[int, ...]]) -> None:
    needed = len(prompt.text_tokens) + max(len(tokens) for tokens in answers)
    if needed > base.max_tokens:
        raise InferenceError(
            f"prompt and longest option have {needed} tokens, but the model reads {base.max_tokens}. "
            "Shorten the question."
        )


def _misfits(base: BaseModel, merged: Sequence[AnyAdapter]) -> dict[int, Failure]:
    failures: dict[int, Failure] = {}
    for i, adapter in enumerate(merged):
        try:
            check_fits(adapter, base.module_shapes)
        except InferenceError as error:
            failures[i] = Failure(adapter.method, str(error))
    return failures


def _in_one_pass(
    base: BaseModel, merged: Sequence[AnyAdapter], rows: Sequence[PackedRow], base_too: bool
) -> tuple[Slots, list[list[list[float]]]]:
    """The slots, built for the first row, and for each row what `_log_probabilities` finds with them."""
    together = together_pays(base.dtype, (len(merged) + int(base_too)) * len(rows[0].ids))
    slots = build_slots(merged, base.device, base.dtype, base_too=base_too, together=together)
    totals = [_log_probabilities(base, slots, row) for row in rows]
    if slots.shared and not all(math.isfinite(total) for of_row in totals for slot in of_row for total in slot):
        # one of them is damaged: apart, it harms no other
        slots = build_slots(merged, base.device, base.dtype, base_too=base_too)
        totals = [_log_probabilities(base, slots, row) for row in rows]
    return slots, totals


def _log_probabilities(base: BaseModel, slots: Slots, row: PackedRow) -> list[list[float]]:
    """[slot][option]: the sum, in float64, of the log-probabilities (nats) of the option's tokens."""
    with torch.inference_mode(), applied(slots):
        logits = base.model(
            input_ids=row.ids.to(base.device).expand(slots.count, -1),
            attention_mask=additive_mask(row.visible, base.model.dtype).to(base.device),
            position_ids=row.positions.to(base.device)[None],
            use_cache=False,
            logits_to_keep=row.predictors.to(base.device),
        ).logits
        per_token = torch.stack([_of_targets(one, row.targets.to(base.device)) for one in logits])
        sums = [part.sum(-1) for part in per_token.double().split(list(row.lengths), dim=-1)]
        return torch.stack(sums, dim=-1).tolist()


def _of_targets(logits: Tensor, targets: Tensor) -> Tensor:
    """logits: (scored, vocabulary), targets: (scored,). Returns (scored,). One slot at a time spares memory."""
    logits = logits.float()
    return logits.gather(-1, targets[:, None])[:, 0] - logits.logsumexp(-1)


def _prediction(
    method: str, sums: Sequence[tuple[float, ...]], normalization: str, sizes: OptionSizes, milliseconds: float
) -> Prediction:
    """sums: after the prompt, then, where that was asked for, after the template with no question."""
    if not all(math.isfinite(total) for of_row in sums for total in of_row):
        raise InferenceError(
            f"{method} gives log-probabilities that are not finite, so it has no answer. Its weights may be damaged."
        )
    totals, unconditional = sums[0], sums[1] if len(sums) > 1 else None
    scores = normalized(normalization, totals, sizes, unconditional)
    highest = max(scores)
    odds = [math.exp(score - highest) for score in scores]
    sum_of_odds = sum(odds)
    return Prediction(
        method=method,
        scores=scores,
        log_probabilities=totals,
        probabilities=tuple(each / sum_of_odds for each in odds),
        chosen=best(scores),
        milliseconds=milliseconds,
        unconditional=unconditional,
    )
