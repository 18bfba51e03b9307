from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from composer.merging import AdapterFactors, Stack, TrimCache, trim

from .oracle import Oracle


def nbytes(adapter: AdapterFactors) -> int:
    return sum(stack.a.nbytes + stack.b.nbytes for stack in adapter.stacks)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 3), st.integers(2, 9), st.floats(0.3, 0.99), st.sampled_from([0.0, 0.5]))
def test_exactly_the_largest_entries_of_every_module_stay(seed: int, modules: int, size: int, density: float, grid):
    a = torch.randn(modules, 2, size, generator=torch.Generator().manual_seed(seed))
    a = (a / grid).round() * grid + 0.1 * a.sign() if grid else a
    adapter = AdapterFactors("x", "x", 1.0, (Stack(tuple("abc"[:modules]), a, a.mT),))
    (stack,) = trim(adapter, density).stacks
    for before, after in zip(a, stack.a, strict=True):
        kept = after != 0
        assert kept.sum() == int(density * before.numel())
        assert torch.equal(after[kept], before[kept])
        assert before[kept].abs().min() >= before[~kept].abs().max()


def test_density_one_is_the_adapter_itself(oracle: Oracle):
    adapter, cache = oracle.adapter("one"), TrimCache()
    assert trim(adapter, 1.0) is adapter
    assert cache.trim(adapter, 1.0) is adapter
    assert len(cache) == 0


def test_trimming_keeps_the_floating_type(oracle: Oracle):
    adapter = oracle.adapter("one")
    half = replace(adapter, stacks=tuple(replace(s, a=s.a.half(), b=s.b.half()) for s in adapter.stacks))
    assert {s.a.dtype for s in trim(half, 0.5).stacks} == {torch.float16}


def test_a_kept_adapter_is_not_trimmed_again(oracle: Oracle):
    adapter, cache = oracle.adapter("one"), TrimCache()
    first = cache.trim(adapter, 0.5)
    assert cache.trim(adapter, 0.5).stacks is first.stacks
    assert cache.trim(adapter, 0.6).stacks is not first.stacks


def test_the_cache_goes_by_content_not_by_name(oracle: Oracle):
    one, two = oracle.adapters(["one", "two"])
    cache = TrimCache()
    first = cache.trim(one, 0.5)
    impostor = cache.trim(replace(two, name="one"), 0.5)
    renamed = cache.trim(replace(one, name="uno"), 0.5)
    assert not torch.equal(first.stacks[0].a, impostor.stacks[0].a)
    assert renamed.name == "uno" and renamed.stacks is first.stacks


def test_the_cache_forgets_the_least_recently_used(oracle: Oracle):
    one, two, three = oracle.adapters(["one", "two", "three"])
    cache = TrimCache(max_bytes=2 * nbytes(one))
    kept = cache.trim(one, 0.5)
    lost = cache.trim(two, 0.5)
    cache.trim(one, 0.5)
    cache.trim(three, 0.5)
    assert len(cache) == 2
    assert cache.trim(one, 0.5).stacks is kept.stacks
    assert cache.trim(two, 0.5).stacks is not lost.stacks


def test_an_adapter_larger_than_the_cache_is_trimmed_all_the_same(oracle: Oracle):
    cache = TrimCache(max_bytes=10)
    assert (cache.trim(oracle.adapter("one"), 0.5).stacks[0].a == 0).any()
    assert len(cache) == 0


@pytest.mark.parametrize("room", [1, 3])
def test_threads_that_share_a_small_cache_get_what_one_alone_gets(oracle: Oracle, room: int):
    adapters = oracle.adapters(["one", "two", "three", "coarse"])
    cache = TrimCache(max_bytes=room * nbytes(adapters[0]))
    wanted = {(adapter.name, density): trim(adapter, density) for adapter in adapters for density in (0.3, 0.6)}
    jobs = [(adapter, density) for adapter in adapters for density in (0.3, 0.6)] * 10
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda job: cache.trim(*job), jobs))
    for (adapter, density), result in zip(jobs, results, strict=True):
        for got, want in zip(result.stacks, wanted[adapter.name, density].stacks, strict=True):
            assert torch.equal(got.a, want.a) and torch.equal(got.b, want.b)
    assert len(cache) <= room
