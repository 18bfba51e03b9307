"""Neighbours to task weights (kernels, nucleus), and the strategies that choose adapters from such evidence."""

from __future__ import annotations

from composer.errors import SettingsError, unknown
from composer.routing import arrow, base, logo, own, retrieval, spectr, top1, uniform
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
