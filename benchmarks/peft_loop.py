"""A compare as one writes it with PEFT alone: add four weighted adapters, then a forward per option, or per model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from benchmarks.agreement import check
from benchmarks.asked import Asked
from benchmarks.engine import answer, option_ids, settled
from benchmarks.peft_side import PeftSide
from benchmarks.plan import METHODS, SETTINGS
from composer.lineup import BASE
from composer.pipeline import Composer

TOLERANCE = 1e-3
"""Between the log-probabilities (nats per token) of an option, in fp32: sums in another order."""
HALF_TOLERANCE = 0.5
"""The same in 16 bits, where the two sides round in other places: that they agree is shown in fp32."""
EXACT_ON_GPU = (BASE, "linear", "cat")
"""Of equal magnitudes, a GPU's top-k keeps any: there the methods that prune are compared and not held to it."""

Read = list[list[float]]
"""Log-probabilities per model (the base first) and option."""


@dataclass(frozen=True)
class PeftAnswer:
    one: Read
    batched: Read
    merge_ms: float
    one_ms: float
    """Of a forward for each option of each model, after the merges."""
    batched_ms: float
    """Of a forward for each model, its options padded to one length, after the merges."""


@dataclass(frozen=True)
class PeftLoop:
    composer: Composer
    """Whose tokens and weights PEFT's side is given, as it has none of its own."""
    peft: PeftSide

    def answer(self, asked: Asked) -> tuple[PeftAnswer, tuple[str, ...]]:
        """Both ways to read, on the same merges; and the merges' names, to be dropped."""
        prompt, options = self.composer.fit(asked.query).text_tokens, option_ids(self.composer, asked.query)
        started = perf_counter()
        names = [self.peft.merge(method, asked.weights, SETTINGS.merge) for method in METHODS]
        settled(self.composer)()
        merged = perf_counter()
        one = [self.peft.log_probabilities(name, prompt, options) for name in (None, *names)]
        read = perf_counter()
        batched = [self.peft.log_probabilities_at_once(name, prompt, options) for name in (None, *names)]
        ended = perf_counter()
        spent = [(b - a) * 1000 for a, b in ((started, merged), (merged, read), (read, ended))]
        return PeftAnswer(one, batched, *spent), tuple(names)


def agreement(loop: PeftLoop, questions: Sequence[Asked], what: str = "compare") -> dict[str, object]:
    """Every option's log-probability per token, and which option each model chooses.

    Raises ComposerError where the two sides differ by more than the tolerance, in a model that can be held to it.
    """
    composer = loop.composer
    exact = composer.base.dtype.itemsize == 4
    checked = EXACT_ON_GPU if composer.base.device.type == "cuda" else (BASE, *METHODS)
    worst, same, total = 0.0, 0, 0
    for asked in questions:
        mine, lengths = answer(composer, asked), [len(ids) for ids in option_ids(composer, asked.query)]
        theirs, names = loop.answer(asked)
        loop.peft.drop(*names)
        for read in (theirs.one, theirs.batched):
            for prediction, sums in zip(mine, read, strict=True):
                pairs = list(zip(prediction.log_probabilities, sums, lengths, strict=True))
                if prediction.method in checked:
                    worst = max(worst, *(abs(a - b) / n for a, b, n in pairs))
                scores = [b / n for _, b, n in pairs]
                total += 1
                same += prediction.chosen == scores.index(max(scores))
    check(f"{what}, log-probability per token", worst, TOLERANCE if exact else HALF_TOLERANCE)
    return {"largest_difference": worst, "same_choice": f"{same} of {total}", "checked": len(questions)}
