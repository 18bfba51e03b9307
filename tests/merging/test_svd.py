"""What holds for svd, whatever PEFT does."""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from composer.config import MergeSettings
from composer.merging import AdapterFactors, Stack, merge

from .oracle import Oracle, unstacked, updates

WEIGHTS = (("wide", 0.5), ("thin", -0.25), ("wide_bottom", 1.5))
NAMES = [name for name, _ in WEIGHTS]


class Watched(TorchDispatchMode):
    """Notes the largest tensor that any operation gives back."""

    largest = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        results = func(*args, **(kwargs or {}))
        for result in results if isinstance(results, tuple | list) else (results,):
            if isinstance(result, torch.Tensor):
                self.largest = max(self.largest, result.numel())
        return results


def random_adapter(name: str, modules: int, width: int, rank: int = 2) -> AdapterFactors:
    a = torch.randn(modules, rank, width, generator=torch.Generator().manual_seed(len(name)))
    return AdapterFactors(name, name, 1.0, (Stack(tuple(map(str, range(modules))), a, a.mT.flip(1)),))


def test_svd_is_the_nearest_update_of_its_rank(oracle: Oracle):
    adapters = oracle.adapters(NAMES)
    exact = updates(merge("cat", adapters, WEIGHTS))
    for rank in (1, 3, 6):
        for module, update in updates(merge("svd", adapters, WEIGHTS, MergeSettings(svd_rank=rank))).items():
            beyond = torch.linalg.svdvals(exact[module])[rank:]
            assert torch.linalg.matrix_rank(update) <= rank
            assert (exact[module] - update).norm().item() == pytest.approx(beyond.norm().item(), abs=1e-5)


def test_with_room_for_all_ranks_svd_is_the_exact_weighted_sum(oracle: Oracle):
    adapters = oracle.adapters(NAMES)
    merged = merge("svd", adapters, WEIGHTS, MergeSettings(svd_rank=100))
    exact = merge("cat", adapters, WEIGHTS)
    ranks = {module: len(a) for module, (a, _) in unstacked(exact).items()}
    assert {module: len(a) for module, (a, _) in unstacked(merged).items()} == ranks
    for module, update in updates(merged).items():
        assert torch.allclose(update, updates(exact)[module], atol=1e-5)


def test_the_rank_is_the_largest_of_all_adapters_also_where_the_widest_lacks_the_module(oracle: Oracle):
    weights = (("thin", 1.0), ("one", 0.5), ("wide_bottom", 0.5))
    merged = unstacked(merge("svd", oracle.adapters([name for name, _ in weights]), weights))
    assert "model.layers.1.mlp.up_proj" not in unstacked(oracle.adapter("wide_bottom"))
    assert len(merged["model.layers.1.mlp.up_proj"][0]) == 5


def test_the_rows_of_a_are_orthonormal_and_b_carries_the_singular_values(oracle: Oracle):
    merged = merge("svd", oracle.adapters(NAMES), WEIGHTS)
    for module, (a, b) in unstacked(merged).items():
        assert torch.allclose(a @ a.T, torch.eye(len(a)), atol=1e-6)
        assert torch.allclose(b.norm(dim=0), torch.linalg.svdvals(updates(merged)[module])[: len(a)].float(), atol=1e-4)


def test_no_full_matrix_is_ever_formed():
    adapters = [random_adapter(name, 1, 600) for name in ("x", "yy", "zzz")]
    with Watched() as watched:
        merge("svd", adapters, {"x": 0.5, "yy": 0.3, "zzz": 0.2})
    assert 0 < watched.largest <= 6 * 600


def test_slices_of_modules_do_not_show(monkeypatch: pytest.MonkeyPatch):
    adapters = [random_adapter(name, 3, 20) for name in ("x", "yy")]
    whole = unstacked(merge("svd", adapters, {"x": 0.5, "yy": 0.3}))
    monkeypatch.setattr("composer.merging.svd.BUDGET_BYTES", 1)
    for module, (a, b) in unstacked(merge("svd", adapters, {"x": 0.5, "yy": 0.3})).items():
        assert torch.equal(a, whole[module][0]) and torch.equal(b, whole[module][1])


def test_adapters_that_cancel_out_give_no_update(oracle: Oracle):
    one = oracle.adapter("one")
    two = AdapterFactors("copy", one.key, one.scaling, one.stacks)
    for update in updates(merge("svd", [one, two], {"one": 1.0, "copy": -1.0})).values():
        assert update.abs().max() < 1e-6
