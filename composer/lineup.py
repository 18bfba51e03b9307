"""Who is compared: one table of candidates that the page, the command line, the API and the evaluation read.

A candidate is a strategy, which chooses adapters and weights, with a method, which makes one adapter of them; or a
strategy alone, where it chooses a gate, or nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from composer.errors import SettingsError, unknown
from composer.merging import METHODS
from composer.routing import STRATEGIES

BASE = "base"
RETRIEVAL = "retrieval"


@dataclass(frozen=True)
class Candidate:
    """One row of what is scored and shown."""

    name: str
    strategy: str
    """A row of STRATEGIES."""
    method: str | None
    """A row of METHODS; None for the base model and for gates, which merge nothing."""
    title: str
    meaning: str
    """What it is, for a person; `{task}` stands for the heaviest task."""

    @property
    def needs_own(self) -> bool:
        """Can only be evaluated on rows whose task is known and has an adapter."""
        return STRATEGIES[self.strategy].needs_own

    @property
    def needs_rows(self) -> bool:
        """Wants a few labelled rows of the question's task."""
        return STRATEGIES[self.strategy].needs_rows


LINEUP: dict[str, Candidate] = {
    candidate.name: candidate
    for candidate in (
        Candidate(BASE, "base", None, "Base model", "no adapter at all"),
        # one adapter alone comes out of cat exactly as it is
        Candidate("own", "own", "cat", "Own adapter", "the adapter of the row's own task, which only an oracle knows"),
        Candidate("arrow", "arrow", None, "Arrow", "for each token, the three adapters whose main direction it fits"),
        Candidate("spectr", "spectr", None, "SpectR", "for each token, the four adapters that would change it most"),
        Candidate("logo", "logo", "cat", "LoGo", "the adapters that would change the question's last word most, mixed"),
        Candidate("top1", "top1", "cat", "Heaviest adapter", "{task}, the heaviest task's, alone"),
        Candidate("uniform", "uniform", "linear", "Uniform", "the same tasks with equal weights, merged by Linear"),
        Candidate("soup", "soup", "average", "Soup", "every adapter of the bank, averaged"),
        Candidate(
            "loraretriever_selection",
            "loraretriever_selection",
            "cat",
            "LoraRetriever Selection",
            "the adapter whose examples' mean is nearest to the question, alone",
        ),
        Candidate(
            "loraretriever_fusion",
            "loraretriever_fusion",
            "average",
            "LoraRetriever Fusion",
            "the three adapters nearest by their examples' means, A and B averaged",
        ),
        Candidate(
            "loraretriever_mixture",
            "loraretriever_mixture",
            "cat",
            "LoraRetriever Mixture",
            "the three adapters nearest by their examples' means, their outputs averaged",
        ),
        Candidate(
            "lorauter",
            "lorauter",
            "cat",
            "LoRAuter",
            "the three tasks with the nearest centroids, mixed by a softmax of their cosines",
        ),
        Candidate("router_top1", "router_top1", "cat", "Router, top 1", "a trained router's likeliest task, alone"),
        Candidate("router_top3", "router_top3", "cat", "Router, top 3", "the router's three likeliest tasks, mixed"),
        Candidate("router_soft", "router_soft", "cat", "Router, soft", "all that the router thinks possible, mixed"),
        Candidate("smear", "smear", "average", "SMEAR", "all adapters averaged, by the router's probabilities"),
        Candidate(
            "lorahub", "lorahub", "average", "LoraHub", "weights of either sign that do best on a few labelled rows"
        ),
        *(Candidate(name, RETRIEVAL, name, method.title, method.sentence) for name, method in METHODS.items()),
    )
}

REFERENCES = ("top1", "uniform")
"""What stands beside the merges on the page, besides the base."""


def candidate_named(name: str) -> Candidate:
    """Raises SettingsError, with the nearest name, for a candidate that does not exist."""
    if name not in LINEUP:
        raise SettingsError(unknown("candidate", name, LINEUP))
    return LINEUP[name]


def candidates_named(names: Sequence[str]) -> tuple[Candidate, ...]:
    """In the line-up's order, each once. Raises SettingsError."""
    chosen = {candidate_named(name).name for name in names}
    if not chosen:
        raise SettingsError(f"no candidate was chosen. Choose at least one of {', '.join(LINEUP)}.")
    return tuple(candidate for name, candidate in LINEUP.items() if name in chosen)
