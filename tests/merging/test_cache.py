from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch

from composer.config import MergeSettings
from composer.merging import METHODS
from composer.merging.cache import ByteCache, merge_key

from .oracle import Oracle


def test_the_least_recently_used_goes_first_and_the_bytes_stay_within_the_limit():
    cache: ByteCache[str, bytes] = ByteCache(6, len)
    for key in ("a", "b", "a", "c"):
        cache.or_made(key, lambda: b"three"[:3])
    assert cache.keys == ("a", "c")


def test_a_kept_value_is_not_made_again():
    cache: ByteCache[str, bytes] = ByteCache(6, len)
    first = cache.or_made("a", lambda: bytes(2))
    assert cache.or_made("a", lambda: pytest.fail("made twice")) is first


def test_what_is_larger_than_the_limit_is_given_and_drives_nothing_out():
    cache: ByteCache[str, bytes] = ByteCache(2, len)
    cache.or_made("small", lambda: b"ab")
    assert cache.or_made("large", lambda: b"abc") == b"abc"
    assert cache.keys == ("small",)


def test_what_cannot_be_made_is_made_again_the_next_time():
    cache: ByteCache[str, bytes] = ByteCache(2, len)
    with pytest.raises(ZeroDivisionError):
        cache.or_made("a", lambda: bytes(1 // 0))
    assert cache.or_made("a", lambda: b"a") == b"a"


def test_threads_get_each_keys_own_value_and_the_count_of_bytes_survives_them():
    cache: ByteCache[int, bytes] = ByteCache(12, len)
    asked = [number % 7 for number in range(700)]
    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda number: cache.or_made(number, lambda: bytes([number]) * 3), asked))
    assert given == [bytes([number]) * 3 for number in asked]
    assert cache._bytes == 3 * len(cache) <= 12


WEIGHTS = (("one", 0.6), ("two", 0.4))


def test_the_key_of_a_merge_tells_content_weights_method_settings_and_type_apart(oracle: Oracle):
    adapters = oracle.adapters(["one", "two"])

    def key(name="ties", method=METHODS["ties"], adapters=adapters, weights=WEIGHTS, how=MergeSettings()):  # noqa: B008
        return merge_key(name, method, adapters, weights, how)

    retrained = [replace(adapters[0], key="another"), adapters[1]]
    halves = [replace(a, stacks=tuple(replace(s, a=s.a.half(), b=s.b.half()) for s in a.stacks)) for a in adapters]
    assert halves[0].stacks[0].a.dtype == torch.float16
    keys = [
        key(),
        key(name="linear", method=METHODS["linear"]),
        key(method=replace(METHODS["ties"], merge=METHODS["linear"].merge)),
        key(adapters=retrained),
        key(adapters=halves),
        key(weights=(("one", 0.4), ("two", 0.6))),
        key(how=MergeSettings(density=0.5)),
        key(how=MergeSettings(majority_sign_method="total")),
    ]
    assert len(set(keys)) == len(keys)
    assert key() == key(adapters=oracle.adapters(["one", "two"]), how=MergeSettings())
