"""Two sides' answers to the same rows, compared row by row; it knows neither side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from composer.scores import HARNESS_RULES

METRICS = tuple(HARNESS_RULES)
TOLERANCE = 1e-4
"""Between the log-probabilities of an option in fp32, in nats per token of it: sums in another order. The log_softmax
of torch, which lm-evaluation-harness takes, is alone off by 8e-6 a token over a vocabulary of 49,152, always to one
side (measured against fp64 on options of 50 to 180 tokens, where the packed pass is within 1e-6)."""


@dataclass(frozen=True)
class Asked:
    """A row as both sides are asked it."""

    prompt: str
    """The bank's template with the question and its context, up to where the option begins."""
    options: tuple[str, ...]
    gold: int


@dataclass(frozen=True)
class Answered:
    """What one side makes of a row."""

    log_probabilities: tuple[float, ...]
    """Of every option, in nats."""
    tokens: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    """(of the prompt, of the option), for every option."""
    chosen: tuple[int, ...]
    """The option chosen under each of METRICS, by that side itself."""


@dataclass(frozen=True)
class Agreement:
    """Of one task under one metric."""

    task: str
    metric: str
    rows: int
    equal: int
    """Rows of which both sides choose the same option."""
    same_tokens: int
    """Rows of which both sides read the same tokens, under every option."""
    largest: float
    """Difference between the two sides' log-probabilities of an option (nats)."""
    largest_per_token: float
    """The same, divided by the option's tokens."""
    right: tuple[int, int]
    """Rows that we, and that they, have right."""

    @property
    def holds(self) -> bool:
        return self.equal == self.same_tokens == self.rows and self.largest_per_token <= TOLERANCE


def agreements(
    task: str, asked: Sequence[Asked], ours: Sequence[Answered], theirs: Sequence[Answered]
) -> tuple[Agreement, ...]:
    """One for each metric of lm-evaluation-harness, over the same rows in the same order."""
    pairs = list(zip(asked, ours, theirs, strict=True))
    differences = [
        (abs(a - b), len(option))
        for _, one, other in pairs
        for a, b, (_, option) in zip(one.log_probabilities, other.log_probabilities, one.tokens, strict=True)
    ]
    found = []
    for place, metric in enumerate(METRICS):
        choices = [(row.gold, one.chosen[place], other.chosen[place]) for row, one, other in pairs]
        found.append(
            Agreement(
                task=task,
                metric=metric,
                rows=len(pairs),
                equal=sum(mine == other for _, mine, other in choices),
                same_tokens=sum(one.tokens == other.tokens for _, one, other in pairs),
                largest=max(difference for difference, _ in differences),
                largest_per_token=max(difference / tokens for difference, tokens in differences),
                right=(sum(g == mine for g, mine, _ in choices), sum(g == other for g, _, other in choices)),
            )
        )
    return tuple(found)


def table(found: Sequence[Agreement]) -> str:
    """Markdown, a row for each task and metric."""
    lines = [
        "| task | metric | rows | equal rows | same tokens | largest difference, nats | per token | right, ours | "
        "right, lm-eval |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {one.task} | {one.metric} | {one.rows} | {one.equal} | {one.same_tokens} | {one.largest:.1e} | "
        f"{one.largest_per_token:.1e} | {one.right[0]} | {one.right[1]} |"
        for one in found
    ]
    return "\n".join(lines)
