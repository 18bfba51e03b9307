"""What DARE drops: by the right share, and always the same."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import combinations

import pytest
import torch
from torch import Tensor

from composer.config import MergeSettings
from composer.merging import AdapterFactors, Stack, merge
from composer.merging.dare import drop, random_bits

from .oracle import Oracle, unstacked

CPU = torch.device("cpu")
SIZE = 40_000
"""Entries per factor of `ones`: four standard deviations of a share are at most .01."""


def ones(key: str = "key") -> AdapterFactors:
    return AdapterFactors("x", key, 1.0, (Stack(("p", "q"), torch.ones(2, 4, SIZE // 4), torch.ones(2, SIZE // 4, 4)),))


def masks(adapter: AdapterFactors) -> dict[tuple[str, str], Tensor]:
    return {
        (module, side): factor.flatten() != 0
        for module, factors in unstacked(adapter).items()
        for side, factor in zip("AB", factors, strict=True)
    }


def splitmix64(state: int) -> int:
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB % 2**64
    return state ^ (state >> 31)


def test_the_random_numbers_are_those_of_splitmix64():
    streams = ["0 key p A", "0 key p B"]
    for stream, ours in zip(streams, random_bits(streams, 100, CPU).tolist(), strict=True):
        start = int.from_bytes(hashlib.sha256(stream.encode()).digest()[:8], "little")
        wanted = [splitmix64((start + i * 0x9E3779B97F4A7C15) % 2**64) for i in range(1, 101)]
        assert [number % 2**64 for number in ours] == wanted


def test_splitmix64_starts_as_published():
    assert splitmix64(0x9E3779B97F4A7C15) == 0xE220A8397B1DCDAF


@pytest.mark.parametrize("density", [0.05, 0.3, 0.7, 0.95])
def test_the_share_that_stays_is_the_density(density: float):
    for seed in range(3):
        for kept in masks(drop(ones(), density, seed)).values():
            assert kept.float().mean().item() == pytest.approx(density, abs=0.01)


def test_factors_modules_adapters_and_seeds_draw_independently():
    drawn = [*masks(drop(ones(), 0.5, 0)).values(), *masks(drop(ones(), 0.5, 1)).values()]
    drawn += masks(drop(ones("another key"), 0.5, 0)).values()
    for one, other in combinations(drawn, 2):
        assert (one == other).float().mean().item() == pytest.approx(0.5, abs=0.011)


def test_neighbouring_entries_draw_independently():
    for kept in masks(drop(ones(), 0.5, 0)).values():
        for step in (1, 2, 4, 64, SIZE // 4):
            assert (kept[step:] == kept[:-step]).float().mean().item() == pytest.approx(0.5, abs=0.012)


def test_what_stays_is_scaled_up_so_that_the_expected_value_stays(oracle: Oracle):
    adapter = oracle.adapter("one")
    dropped = [unstacked(drop(adapter, 0.5, seed)) for seed in range(400)]
    for module, (a, _) in unstacked(adapter).items():
        kept = dropped[0][module][0]
        assert torch.equal(kept[kept != 0], 2 * a[kept != 0])
        mean = torch.stack([factors[module][0] for factors in dropped]).mean(0)
        assert (mean - a).abs().max() < 5 * a.abs().max() / 400**0.5


def test_the_same_adapter_loses_the_same_entries_in_every_merge(oracle: Oracle):
    """With the other adapter at weight zero, what is left is the first one's own."""
    how = MergeSettings(density=0.5, seed=3)
    one, two, three = oracle.adapters(["one", "two", "three"])
    alone = unstacked(merge("dare_linear", [one], {"one": 1.0}, how))
    for adapters in ([one, two], [two, one], [three, one, two]):
        weights = {adapter.name: float(adapter is one) for adapter in adapters}
        for module, (a, b) in unstacked(merge("dare_linear", adapters, weights, how)).items():
            assert torch.equal(a, alone[module][0]) and torch.equal(b, alone[module][1])


def test_neither_name_nor_stacking_nor_floating_type_change_what_is_dropped(oracle: Oracle):
    adapter = oracle.adapter("one")
    wanted = masks(drop(adapter, 0.5, 0))
    split = tuple(
        Stack((module,), stack.a[row : row + 1], stack.b[row : row + 1])
        for stack in reversed(adapter.stacks)
        for row, module in enumerate(stack.modules)
    )
    halves = tuple(replace(stack, a=stack.a.half(), b=stack.b.half()) for stack in adapter.stacks)
    for other in (replace(adapter, name="uno"), replace(adapter, stacks=split), replace(adapter, stacks=halves)):
        found = masks(drop(other, 0.5, 0))
        assert found.keys() == wanted.keys()
        assert all(torch.equal(found[place], wanted[place]) for place in wanted)


def test_pieces_do_not_show(monkeypatch: pytest.MonkeyPatch):
    whole = masks(drop(ones(), 0.5, 0))
    monkeypatch.setattr("composer.merging.dare.CHUNK", 1)
    assert all(torch.equal(kept, whole[place]) for place, kept in masks(drop(ones(), 0.5, 0)).items())


def test_a_lower_density_keeps_a_part_of_what_a_higher_one_keeps():
    few, many = masks(drop(ones(), 0.3, 0)), masks(drop(ones(), 0.6, 0))
    assert all((many[place] | ~kept).all() for place, kept in few.items())


def test_another_seed_is_another_merge(oracle: Oracle):
    adapters, weights = oracle.adapters(["one", "two"]), {"one": 0.5, "two": 0.5}
    for method in ("dare_linear", "dare_ties"):
        first, again, other = (
            merge(method, adapters, weights, MergeSettings(seed=seed)).stacks[0] for seed in (0, 0, 1)
        )
        assert torch.equal(first.a, again.a) and torch.equal(first.b, again.b)
        assert not torch.equal(first.a, other.a)


def test_density_one_drops_nothing(oracle: Oracle):
    adapter = oracle.adapter("one")
    assert drop(adapter, 1.0, 0) is adapter
