"""Neighbours to task weights (kernels, nucleus), and the strategies that choose adapters from such evidence."""

from __future__ import annotations

from composer.errors import SettingsError, unknown
from composer.routing import (
    arrow,
    base,
    logo,
    lorahub,
    loraretriever,
    lorauter,
    own,
    retrieval,
    router,
    smear,
    soup,
    spectr,
    top1,
    uniform,
)
from composer.routing.evidence import Choice, Evidence
from composer.routing.examples import ExampleVectors
from composer.routing.kernels import KERNELS, Kernel
from composer.routing.nucleus import reweigh, route
from composer.routing.strategy import Gate, Strategy

STRATEGIES: dict[str, Strategy] = {
    "retrieval": Strategy(
        retrieval.choose, "Retrieval", "The tasks of the nucleus, weighted by how near their examples are."
    ),
    "uniform": Strategy(uniform.choose, "Uniform", "The tasks of the nucleus, all with the same weight."),
    "top1": Strategy(top1.choose, "Top-1", "The heaviest task's adapter alone."),
    "own": Strategy(
        own.choose,
        "Own adapter",
        "The adapter of the row's own task, which only an oracle knows.",
        blind=True,
        needs_own=True,
    ),
    "base": Strategy(base.choose, "Base model", "No adapter at all.", blind=True),
    "soup": Strategy(soup.choose, "Soup", "Every adapter of the bank, all with the same weight.", blind=True),
    "loraretriever_selection": Strategy(
        loraretriever.select, "LoraRetriever Selection", "The adapter whose examples' mean is nearest, alone."
    ),
    "loraretriever_fusion": Strategy(
        loraretriever.choose, "LoraRetriever Fusion", "The three nearest by their examples' means, to be averaged."
    ),
    "loraretriever_mixture": Strategy(
        loraretriever.choose, "LoraRetriever Mixture", "The three nearest by their examples' means, to be mixed."
    ),
    "lorauter": Strategy(
        lorauter.choose, "LoRAuter", "The three tasks with the nearest centroids, weighted by a softmax of the cosines."
    ),
    "router_top1": Strategy(router.top1, "Router, top 1", "The task that a trained classifier finds likeliest."),
    "router_top3": Strategy(router.top3, "Router, top 3", "The classifier's three likeliest tasks, by probability."),
    "router_soft": Strategy(router.soft, "Router, soft", "All tasks above 1 % by the classifier, by probability."),
    "smear": Strategy(smear.choose, "SMEAR", "All tasks by the classifier's probability, for one averaged adapter."),
    "lorahub": Strategy(
        lorahub.choose,
        "LoraHub",
        "Weights of either sign, searched for on a few labelled rows of the task.",
        blind=True,
        needs_rows=True,
    ),
    "arrow": Strategy(
        arrow.choose, "Arrow", "For each token, the adapters whose strongest direction it lies along.", blind=True
    ),
    "spectr": Strategy(spectr.choose, "SpectR", "For each token, the adapters that change it most.", blind=True),
    "logo": Strategy(
        logo.choose,
        "LoGo",
        "The adapters that change the question's last token most.",
        blind=True,
    ),
}


def strategy_named(name: str) -> Strategy:
    """Raises SettingsError, with the nearest name, for a strategy that does not exist."""
    if name not in STRATEGIES:
        raise SettingsError(unknown("strategy", name, STRATEGIES))
    return STRATEGIES[name]


__all__ = [
    "KERNELS",
    "STRATEGIES",
    "Choice",
    "Evidence",
    "ExampleVectors",
    "Gate",
    "Kernel",
    "Strategy",
    "reweigh",
    "route",
    "strategy_named",
]
