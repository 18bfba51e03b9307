"""What the candidates of other papers add to a layer's output, against their own formulas."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from test_pipeline import TENNIS
from torch import Tensor

from composer.lineup import LINEUP
from composer.merging import AdapterFactors, MergedAdapter, Stack
from composer.pipeline import Composer
from composer.routing import STRATEGIES, Choice, Evidence

MODULE = "model.layers.1.mlp.down_proj"


@pytest.fixture(scope="module")
def evidence(composer: Composer) -> Evidence:
    settings = composer.default_settings()
    neighbours = composer.retrieve(TENNIS, settings)
    return composer.evidence(TENNIS, neighbours, composer.route(neighbours, settings))


def factors(stacks: Sequence[Stack], module: str = MODULE) -> tuple[Tensor, Tensor]:
    return next((s.a[s.modules.index(module)], s.b[s.modules.index(module)]) for s in stacks if module in s.modules)


def chosen(composer: Composer, evidence: Evidence, name: str) -> tuple[Choice, list[AdapterFactors], MergedAdapter]:
    choice = STRATEGIES[LINEUP[name].strategy].choose(evidence)
    assert isinstance(choice, tuple)
    merged = composer.candidate(name, evidence, composer.default_settings())
    assert merged is not None and merged.method == name
    return choice, [composer.adapters.get(task) for task, _ in choice], merged


def input_of(composer: Composer) -> Tensor:
    return torch.randn(5, composer.base.module_shapes[MODULE][1], generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", ["loraretriever_mixture", "lorauter", "router_top3", "router_soft"])
def test_a_mixture_is_the_weighted_mean_of_what_each_adapter_adds(composer: Composer, evidence: Evidence, name: str):
    choice, adapters, merged = chosen(composer, evidence, name)
    x = input_of(composer)
    apart = []
    for (_, weight), adapter in zip(choice, adapters, strict=True):
        a, b = factors(adapter.stacks)
        apart.append(weight * adapter.scaling * (x @ a.T @ b.T))
    a, b = factors(merged.stacks)
    torch.testing.assert_close(x @ a.T @ b.T, torch.stack(apart).sum(0), rtol=1e-4, atol=1e-4)


def test_the_mixture_of_three_is_their_plain_mean(composer: Composer, evidence: Evidence):
    choice, adapters, merged = chosen(composer, evidence, "loraretriever_mixture")
    assert [weight for _, weight in choice] == [1 / 3] * 3
    x = input_of(composer)
    outputs = [adapter.scaling * (x @ a.T @ b.T) for adapter in adapters for a, b in [factors(adapter.stacks)]]
    a, b = factors(merged.stacks)
    torch.testing.assert_close(x @ a.T @ b.T, torch.stack(outputs).mean(0), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["soup", "loraretriever_fusion", "smear"])
def test_a_fusion_averages_a_and_b_apart_from_each_other(composer: Composer, evidence: Evidence, name: str):
    choice, adapters, merged = chosen(composer, evidence, name)
    pairs = [factors(adapter.stacks) for adapter in adapters]
    roots = [adapter.scaling**0.5 for adapter in adapters]
    weights = [weight for _, weight in choice]
    mean_a = sum(w * r * a for w, r, (a, _) in zip(weights, roots, pairs, strict=True))
    mean_b = sum(w * r * b for w, r, (_, b) in zip(weights, roots, pairs, strict=True))
    a, b = factors(merged.stacks)
    torch.testing.assert_close(b @ a, mean_b @ mean_a, rtol=1e-4, atol=1e-5)


def test_what_is_taken_away_is_in_no_candidate(composer: Composer, evidence: Evidence):
    heaviest = evidence.weights.heaviest
    without = composer.evidence(TENNIS, evidence.neighbours, evidence.weights, withheld=frozenset({heaviest}))
    for name in ("soup", "loraretriever_fusion", "loraretriever_mixture", "lorauter", "router_top3", "smear"):
        assert heaviest in dict(STRATEGIES[name].choose(evidence))
        assert heaviest not in dict(STRATEGIES[name].choose(without))
