"""A hostile adapter is refused by name, leaves nothing behind, and changes no answer of the others by a single bit."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import thread_time

import pytest
import torch
from hostile import HOSTILE

from composer.bank.manifest import Bank, Source, load_bank
from composer.bank.store import AdapterStore
from composer.config import MergeSettings
from composer.errors import AdapterError
from composer.inference.base import BaseModel, load_base
from composer.inference.scoring import score
from composer.merging import merge
from composer.types import Prediction

VICTIM, OTHERS = "cb", ("copa", "rte")
METHODS = ("cat", "ties")
Answers = Callable[[AdapterStore], list[tuple[float, ...]]]


@pytest.fixture(scope="module")
def bank(tiny_bank: Path) -> Bank:
    return load_bank(tiny_bank, verify=False)


@pytest.fixture(scope="module")
def base(bank: Bank) -> BaseModel:
    assert bank.base.path is not None
    return load_base(bank.base.path, device="cpu")


def fingerprint(base: BaseModel) -> str:
    """Of every weight and buffer of the base model."""
    digest = hashlib.sha256()
    for name, tensor in sorted(base.model.state_dict().items()):
        digest.update(name.encode() + tensor.contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def answers(bank: Bank, base: BaseModel) -> Answers:
    """What the base and merges of two good adapters answer."""

    def ask(store: AdapterStore) -> list[tuple[float, ...]]:
        adapters, choice = [store.get(task) for task in OTHERS], tuple(zip(OTHERS, (0.75, 0.25), strict=True))
        merged = [merge(method, adapters, choice, MergeSettings()) for method in METHODS]
        options = ("a sports store", "a bakery")
        found = score(base, "Where can I buy a tennis ball?", options, merged, template=bank.prompt_template)
        assert all(isinstance(answer, Prediction) for answer in found)
        return [answer.scores for answer in found if isinstance(answer, Prediction)]

    return ask


@pytest.fixture(scope="module")
def untouched(bank: Bank, base: BaseModel, answers: Answers) -> tuple[str, list[tuple[float, ...]]]:
    """Before any hostile adapter was met."""
    return fingerprint(base), answers(AdapterStore(bank, base.module_shapes))


@pytest.fixture
def folder(bank: Bank, tmp_path: Path) -> Path:
    """A copy of a good adapter, to be harmed."""
    good = bank.adapter(VICTIM).path
    assert good is not None
    return Path(shutil.copytree(good, tmp_path / "bank" / VICTIM))


@pytest.fixture
def store(bank: Bank, base: BaseModel, folder: Path) -> AdapterStore:
    """Of the bank with that folder for one adapter, and no sha256 that would give it away."""
    own = Source(folder, None, None, ())
    adapters = tuple((task, own if task == VICTIM else source) for task, source in bank.adapters)
    return AdapterStore(replace(bank, adapters=adapters), base.module_shapes)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_adapter_is_refused_without_residue(
    base: BaseModel,
    answers: Answers,
    untouched: tuple[str, list[tuple[float, ...]]],
    folder: Path,
    store: AdapterStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
):
    harm, words = HOSTILE[name]
    harm(folder)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    files = sorted(tmp_path.rglob("*"))
    store.get(OTHERS[0])

    started = thread_time()
    with pytest.raises(AdapterError, match=rf"adapter '{VICTIM}'.*({words})") as refused:
        store.get(VICTIM)

    assert thread_time() - started < 1  # of the processor's time: the machine may be busy with other things
    assert len(str(refused.value)) < 1_000
    assert (store.kept, store.reads) == ((OTHERS[0],), 1)
    assert sorted(tmp_path.rglob("*")) == files
    assert (fingerprint(base), answers(store)) == untouched


def test_the_good_adapter_that_they_are_made_of_is_taken(bank: Bank, base: BaseModel, store: AdapterStore):
    assert store.get(VICTIM).key == AdapterStore(bank, base.module_shapes).get(VICTIM).key


def test_an_adapter_that_was_refused_is_taken_once_it_is_repaired(bank: Bank, folder: Path, store: AdapterStore):
    HOSTILE["NaN"][0](folder)
    with pytest.raises(AdapterError, match="not a finite number"):
        store.get(VICTIM)
    shutil.copytree(str(bank.adapter(VICTIM).path), folder, dirs_exist_ok=True)
    assert store.get(VICTIM).rank
