from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from bank_files import SHAPES, write_bank

from composer.bank import store as store_module
from composer.bank.manifest import Bank, load_bank
from composer.bank.reading import read_adapter
from composer.bank.store import AdapterStore, size_of
from composer.config import AppSettings
from composer.errors import AdapterError, BankError, SettingsError


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    return write_bank(tmp_path / "small")


def test_adapters_are_read_when_asked_for_and_then_kept(bank: Bank):
    store = AdapterStore(bank, SHAPES)
    assert store.reads == 0
    assert store.get("piqa") is store.get("piqa")
    assert (store.reads, store.kept) == (1, ("piqa",))
    assert store.get("boolq").key != store.get("piqa").key


def test_no_more_bytes_are_kept_than_allowed_and_the_oldest_goes_first(bank: Bank):
    one = size_of(AdapterStore(bank, SHAPES).get("piqa"))
    # per layer q_proj A 4x16 and B 16x4, v_proj A 4x16 and B 8x4; 12 layers; 4 bytes
    assert one == 4 * 12 * (64 + 64 + 64 + 32)
    store = AdapterStore(bank, SHAPES, max_bytes=one)
    first = store.get("piqa")
    store.get("boolq")
    assert store.kept == ("boolq",)
    assert store.get("piqa").key == first.key
    assert store.reads == 3


def test_an_adapter_over_the_limit_is_still_given(bank: Bank):
    store = AdapterStore(bank, SHAPES, max_bytes=1)
    assert store.get("piqa").rank == 4
    assert store.kept == ()


def test_beside_a_gpu_adapters_wait_in_the_models_type_in_pinned_memory_and_come_when_asked_for(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
):
    pinned: list[torch.Tensor] = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: pinned.append(tensor) or tensor)
    # the device without memory of its own stands in for a GPU: what is moved there can be told from what was not
    store = AdapterStore(bank, SHAPES, device=torch.device("meta"), dtype=torch.bfloat16)
    factors = store.get("piqa")
    assert {(s.a.device.type, s.b.dtype) for s in factors.stacks} == {("meta", torch.bfloat16)}
    assert {(tensor.device.type, tensor.dtype) for tensor in pinned} == {("cpu", torch.bfloat16)}
    assert store.get("piqa") is factors
    assert (store.reads, store.kept) == (1, ("piqa",))


def test_being_asked_for_again_keeps_an_adapter(bank: Bank):
    store = AdapterStore(bank, SHAPES)
    for task in ("piqa", "boolq", "piqa"):
        store.get(task)
    assert store.kept == ("boolq", "piqa")


def test_threads_that_ask_for_one_adapter_at_once_read_it_once(bank: Bank, monkeypatch: pytest.MonkeyPatch):
    both_read = threading.Barrier(2, timeout=10)

    def slow(folder: Path, **options: object):
        # Passes only if different adapters are read side by side.
        both_read.wait()
        return read_adapter(folder, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(store_module, "read_adapter", slow)
    store = AdapterStore(bank, SHAPES)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(store.get, ["piqa", "boolq"] * 4))
    assert store.reads == 2
    assert len({id(factors) for factors in found}) == 2


def test_an_unknown_task_names_the_nearest(bank: Bank):
    with pytest.raises(BankError, match="Did you mean 'piqa'"):
        AdapterStore(bank, SHAPES).get("pica")


def test_an_adapter_changed_after_the_bank_was_opened_is_refused_and_may_be_repaired(bank: Bank):
    store = AdapterStore(load_bank(bank.folder), SHAPES)
    path = bank.folder / "lora" / "piqa" / "adapter_model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(AdapterError, match="the bank says"):
        store.get("piqa")
    path.write_bytes(whole)
    assert store.get("piqa").rank == 4


def test_an_adapter_for_another_base_is_refused(bank: Bank):
    with pytest.raises(AdapterError, match="another base"):
        AdapterStore(bank, {module: (99, 99) for module in SHAPES}).get("piqa")


def test_the_limit_comes_from_the_environment():
    assert AppSettings.from_env({"COMPOSER_ADAPTER_BYTES": "1000"}).adapter_bytes == 1_000
    assert AppSettings.from_env({}).adapter_bytes == 2 * 1024**3
    for wrong in ("2GB", "-1", "0"):
        with pytest.raises(SettingsError, match="COMPOSER_ADAPTER_BYTES is"):
            AppSettings.from_env({"COMPOSER_ADAPTER_BYTES": wrong})
