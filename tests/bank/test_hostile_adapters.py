"""A hostile adapter is refused by name, leaves nothing behind, and changes no answer of the others by a single bit."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hostile import HOSTILE

from composer import Composer, Query
from composer.bank.manifest import Source
from composer.bank.store import AdapterStore
from composer.config import MergeSettings
from composer.errors import AdapterError
from composer.inference.scoring import score
from composer.merging import merge
from composer.types import Prediction

VICTIM, OTHERS = "cb", ("copa", "rte")
QUERY = Query("Where can I buy a tennis ball?", ("a sports store", "a bakery", "a bank"))
METHODS = ("linear", "cat", "ties", "magnitude_prune")
Answers = Callable[[AdapterStore], list[tuple[float, ...]]]


def fingerprint(composer: Composer) -> str:
    """Of every weight and buffer of the base model."""
    digest = hashlib.sha256()
    for name, tensor in sorted(composer.base.model.state_dict().items()):
        digest.update(name.encode() + tensor.contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def answers(composer: Composer) -> Answers:
    """What the base and every merge of two good adapters answer."""

    def ask(store: AdapterStore) -> list[tuple[float, ...]]:
        adapters, choice = [store.get(task) for task in OTHERS], tuple(zip(OTHERS, (0.75, 0.25), strict=True))
        merged = [merge(method, adapters, choice, MergeSettings()) for method in METHODS]
        found = score(composer.base, QUERY.text, QUERY.options, merged, template=composer.bank.prompt_template)
        assert all(isinstance(answer, Prediction) for answer in found)
        return [answer.scores for answer in found if isinstance(answer, Prediction)]

    return ask


@pytest.fixture(scope="module")
def untouched(composer: Composer, answers: Answers) -> tuple[str, list[tuple[float, ...]]]:
    """Before any hostile adapter was met."""
    return fingerprint(composer), answers(AdapterStore(composer.bank, composer.base.module_shapes))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_adapter_is_refused_without_residue(
    composer: Composer,
    answers: Answers,
    untouched: tuple[str, list[tuple[float, ...]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
):
    harm, words = HOSTILE[name]
    good = composer.bank.adapter(VICTIM).path
    assert good is not None
    folder = Path(shutil.copytree(good, tmp_path / "bank" / VICTIM))
    harm(folder)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    files = sorted(tmp_path.rglob("*"))
    store = AdapterStore(with_adapter(composer, folder), composer.base.module_shapes)
    store.get(OTHERS[0])

    with pytest.raises(AdapterError, match=rf"adapter '{VICTIM}'.*({words})") as refused:
        store.get(VICTIM)

    assert len(str(refused.value)) < 1_000
    assert (store.kept, store.reads) == ((OTHERS[0],), 1)
    assert sorted(tmp_path.rglob("*")) == files
    assert fingerprint(composer) == untouched[0]
    assert answers(store) == untouched[1]


def test_the_good_adapter_that_they_are_made_of_is_taken(composer: Composer, tmp_path: Path):
    good = composer.bank.adapter(VICTIM).path
    assert good is not None
    folder = Path(shutil.copytree(good, tmp_path / VICTIM))
    store = AdapterStore(with_adapter(composer, folder), composer.base.module_shapes)
    assert store.get(VICTIM).key == AdapterStore(composer.bank, composer.base.module_shapes).get(VICTIM).key


def test_an_adapter_that_was_refused_is_taken_once_it_is_repaired(composer: Composer, tmp_path: Path):
    good = composer.bank.adapter(VICTIM).path
    assert good is not None
    folder = Path(shutil.copytree(good, tmp_path / VICTIM))
    store = AdapterStore(with_adapter(composer, folder), composer.base.module_shapes)
    HOSTILE["NaN"][0](folder)
    with pytest.raises(AdapterError, match="not a finite number"):
        store.get(VICTIM)
    shutil.copytree(good, folder, dirs_exist_ok=True)
    assert store.get(VICTIM).rank


def with_adapter(composer: Composer, folder: Path):
    """The bank with another folder for one adapter, and no sha256 that would give it away."""
    own = Source(folder, None, None, ())
    return replace(
        composer.bank,
        adapters=tuple((task, own if task == VICTIM else source) for task, source in composer.bank.adapters),
    )
