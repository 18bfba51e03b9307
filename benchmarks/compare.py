"""From a question to the answers of four merges and the base model: this engine, and the loop one writes with PEFT."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.agreement import check
from benchmarks.peft_side import PeftSide
from benchmarks.plan import METHODS, SETTINGS, Plan
from benchmarks.timing import CleanUp, Side, Times, interleaved, versus
from composer.bank.examples import read_examples
from composer.bank.manifest import Bank
from composer.errors import ComposerError
from composer.inference.prompts import encode_option
from composer.merging.cache import ByteCache
from composer.pipeline import Composer
from composer.retrieval.encoder import Encoder
from composer.types import Prediction, Query

OPTIONS = 4
ADAPTERS = (3, 4, 5)
TOLERANCE = 1e-3
"""Between the log-probabilities (nats) of an option: fp32 sums in another order."""


def measure(plan: Plan) -> dict[str, object]:
    with TemporaryDirectory() as cache:
        composer = forgetful(Composer.open("embedded", cache_dir=Path(cache), device="cpu"))
        try:
            questions = with_few_adapters(composer, questions_of(composer.bank), 2 if plan.quick else 24)
            return compared(composer, PeftSide.of_bank(composer.bank), questions, plan, rounds=plan.rounds(24))
        finally:
            composer.close()


def forgetful(composer: Composer) -> Composer:
    """The same, but nothing of a question is remembered: neither its vector nor its merges. Trimmed adapters are."""
    source = composer.bank.encoder
    encoder = Encoder(source.location, revision=source.revision, sha256=source.sha256, cache_size=1)
    encoder.load()
    return replace(composer, encoder=encoder, merges=ByteCache(0, lambda merged: 1))


def questions_of(bank: Bank) -> tuple[Query, ...]:
    """The bank's own test questions with four options, of all tasks that have such in turns, without their hints."""
    assert bank.evaluation is not None
    examples = read_examples(bank.evaluation.path)
    rows = [row for row, options in enumerate(examples.options) if len(options) == OPTIONS]
    tasks = sorted({examples.tasks[row] for row in rows})
    by_task = [[row for row in rows if examples.tasks[row] == task] for task in tasks]
    return tuple(replace(examples.query(row), hint=None) for turn in zip(*by_task, strict=False) for row in turn)


def with_few_adapters(composer: Composer, questions: Sequence[Query], count: int) -> tuple[Query, ...]:
    """The first that merge three to five adapters. With one alone PEFT turns every method into linear.

    Raises ComposerError where there is none.
    """
    found: list[Query] = []
    for query in questions:
        if len(found) < count and len(adapters_of(composer, query)) in ADAPTERS:
            found.append(query)
    if not found:
        raise ComposerError("no question of this bank merges three to five adapters. Choose another bank.")
    return tuple(found)


def adapters_of(composer: Composer, query: Query) -> tuple[tuple[str, float], ...]:
    return composer.route(composer.retrieve(query, SETTINGS), SETTINGS).kept


def answer(composer: Composer, query: Query) -> tuple[Prediction, ...]:
    """A compare without the contributions, which have no counterpart in PEFT."""
    choice = adapters_of(composer, query)
    found = composer.score(query, [composer.merge(choice, SETTINGS, method) for method in METHODS], SETTINGS)
    return tuple(one for one in found if isinstance(one, Prediction))


class PeftLoop:
    """Retrieval and weights are ours on both sides, as PEFT has none; the rest is PEFT as its documentation shows."""

    def __init__(self, composer: Composer, peft: PeftSide) -> None:
        self.composer, self.peft = composer, peft

    def answer(self, query: Query) -> tuple[list[list[float]], CleanUp]:
        """Log-probabilities per model (the base first) and option; the clean-up deletes the merges."""
        composer = self.composer
        choice = adapters_of(composer, query)
        prompt = composer.fit(query).text_tokens
        template, tokenizer = composer.bank.prompt_template, composer.base.tokenizer
        options = [encode_option(tokenizer, template, option) for option in query.options]
        names = [self.peft.merge(method, choice, SETTINGS.merge) for method in METHODS]
        found = [self.peft.log_probabilities(name, prompt, options) for name in (None, *names)]
        return found, lambda: self.peft.drop(*names)


def compared(
    composer: Composer,
    peft: PeftSide,
    questions: Sequence[Query],
    plan: Plan,
    *,
    rounds: int,
    settle: Callable[[], object] = lambda: None,
    tolerance: float = TOLERANCE,
) -> dict[str, object]:
    loop = PeftLoop(composer, peft)
    parity = agreement(composer, loop, questions[: 2 if plan.quick else 6], tolerance)
    for query in questions:  # warm: every adapter that will be asked for is in memory, and trimmed
        answer(composer, query)
    ours_next, peft_next = cycle(questions), cycle(questions)
    sides: dict[str, Side] = {
        "ours": lambda: _no_clean_up(answer(composer, next(ours_next))),
        "peft": lambda: loop.answer(next(peft_next))[1],
    }

    def forget() -> None:
        composer.encoder.encode(["another question"])

    times = interleaved(sides, rounds, before=forget, settle=settle, progress=plan.progress("compare, rounds"))
    kept = [len(adapters_of(composer, query)) for query in questions]
    return {
        **versus(times["ours"], times["peft"]),
        "p95_ms": round(_p95(times["ours"]), 3),
        "adapters_per_question": statistics.mean(kept),
        **parity,
    }


def agreement(composer: Composer, loop: PeftLoop, questions: Sequence[Query], tolerance: float) -> dict[str, object]:
    """Every option's log-probability under every model, and which option is chosen."""
    worst, same, total = 0.0, 0, 0
    for query in questions:
        mine = answer(composer, query)
        theirs, clean_up = loop.answer(query)
        clean_up()
        lengths = [len(encode_option(composer.base.tokenizer, composer.bank.prompt_template, o)) for o in query.options]
        for prediction, sums in zip(mine, theirs, strict=True):
            pairs = list(zip(prediction.log_probabilities, sums, lengths, strict=True))
            worst = max(worst, *(abs(a - b) / n for a, b, n in pairs))
            scores = [b / n for _, b, n in pairs]
            total += 1
            same += prediction.chosen == scores.index(max(scores))
    check("compare, log-probability per token", worst, tolerance)
    return {"largest_difference": worst, "same_choice": f"{same} of {total}"}


def _p95(times: Times) -> float:
    return sorted(times.ms)[max(0, round(0.95 * len(times.ms)) - 1)]


def _no_clean_up(found: object) -> None:
    """A merge is a value, and goes when nobody holds it."""
