"""From the log-probabilities of options to the scores by which they are compared: rules on plain numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from composer.errors import InferenceError, unknown

PMI = "pmi"
HARNESS = "harness"


@dataclass(frozen=True)
class OptionSizes:
    """Of every option, without spaces around it."""

    tokens: tuple[int, ...]
    """As the model reads it after the prompt."""
    bytes: tuple[int, ...]
    """In UTF-8."""
    characters: tuple[int, ...]

    @classmethod
    def of(cls, options: Sequence[str], tokens: Sequence[int]) -> OptionSizes:
        stripped = [option.strip() for option in options]
        return cls(tuple(tokens), tuple(len(one.encode()) for one in stripped), tuple(len(one) for one in stripped))


DIVISORS: Mapping[str, Callable[[OptionSizes], tuple[int, ...]]] = {
    "tokens": lambda sizes: sizes.tokens,
    "sum": lambda sizes: (1,) * len(sizes.tokens),
    "bytes": lambda sizes: sizes.bytes,
    "characters": lambda sizes: sizes.characters,
}
"""What each rule divides an option's log-probability by."""

RULES = (*DIVISORS, PMI)
"""All that can be computed; `harness` is a name for one of them that depends on the task."""

HARNESS_RULES = {"acc": "sum", "acc_norm": "characters"}
"""The rule that each metric of lm-evaluation-harness chooses by."""


def rule_for(normalization: str, metric: str) -> str:
    """`harness` as the rule it comes to under that metric; any other normalization is a rule already."""
    return HARNESS_RULES[metric] if normalization == HARNESS else normalization


def normalized(
    how: str, sums: Sequence[float], sizes: OptionSizes, unconditional: Sequence[float] | None = None
) -> tuple[float, ...]:
    """A score per option. `sums` are log-probabilities (nats) of whole options; `how` is one of RULES.

    `unconditional` are the sums after the template with no question, which `pmi` subtracts. Raises InferenceError for
    an unknown rule, and for `pmi` without them.
    """
    check_rule(how)
    if how == PMI:
        if unconditional is None:
            raise InferenceError(
                "pmi needs the log-probabilities without a question too. Score with unconditional=True."
            )
        return tuple(given - alone for given, alone in zip(sums, unconditional, strict=True))
    return tuple(total / divisor for total, divisor in zip(sums, DIVISORS[how](sizes), strict=True))


def check_rule(how: str) -> None:
    """Raises InferenceError with the nearest rule."""
    if how not in RULES:
        raise InferenceError(unknown("normalization", how, RULES))


def best(scores: Sequence[float]) -> int:
    """The place of the highest score; the first on an exact tie."""
    return scores.index(max(scores))
