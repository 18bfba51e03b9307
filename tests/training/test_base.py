"""Pre-training of a base model small enough for a test."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from composer.errors import SettingsError
from composer.microworld.marks import KINDS, unmarked
from composer.microworld.prose import documents
from composer.training.base import (
    CONTINUED,
    BaseRecipe,
    _new_model,
    learning_rate,
    losses_of,
    train_base,
)
from composer.training.base_batches import Batch, batches_of
from composer.training.tokenizer import train_tokenizer

TINY = BaseRecipe(
    hidden_size=32, layers=1, heads=2, intermediate_size=64, vocab_size=600, max_tokens=128,
    stages=((3, 256, 64, "bindings"), (3, 256, 128, "all")), cycles=(6,), warmup=2,
    guided=((0, 0), (0, 1), (0, 0), (0, 1)),
)  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory):
    texts = [unmarked(text) for text in islice(documents(1), 300)]
    return train_tokenizer(texts, vocab_size=600, folder=tmp_path_factory.mktemp("tokenizer"), max_tokens=128)


def test_any_text_survives_the_tokenizer(tokenizer) -> None:
    for text in ("Tom has a ball.", "naïve ☃ 漢字 \U0001f600", "a\n b\tc"):
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def _batch(tokenizer, width: int = 64) -> Batch:
    return next(batches_of(tokenizer, tokens=256, width=width, mix="bindings", seed=1, decided_weight=15.0))


def test_decided_words_weigh_more_and_marks_are_gone(tokenizer) -> None:
    batch = _batch(tokenizer)
    assert batch.ids.shape == batch.weights.shape == (4, 65)
    assert batch.links.shape == (len(KINDS), 4, 64)
    assert set(batch.weights.unique().tolist()) - {0.0} == {1.0, 15.0}
    text = tokenizer.decode(batch.ids.flatten())
    assert text.isascii() and "⟦" not in text


def test_padding_counts_for_nothing(tokenizer) -> None:
    batch = _batch(tokenizer, width=128)
    padding = batch.ids == tokenizer.pad_token_id
    assert padding.any()
    assert (batch.weights[padding] == 0).all()


def test_links_lead_back_to_earlier_words_of_the_same_document(tokenizer) -> None:
    batch = _batch(tokenizer, width=128)
    found = (batch.links >= 0).nonzero().tolist()
    assert len(found) > 8
    for kind, row, start in found:
        target = int(batch.links[kind, row, start])
        assert target <= start
        assert tokenizer.eos_token_id not in batch.ids[row, target:start]


def test_a_head_that_looks_where_it_should_costs_less(tokenizer) -> None:
    """The guided part of the loss falls under training on it alone, and its attention rises."""
    torch.manual_seed(0)
    model, batch = _new_model(TINY).float(), _batch(tokenizer)
    recipe = replace(TINY, guided_weight=1.0)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    before = losses_of(model, batch, recipe)
    for _ in range(20):
        optimizer.zero_grad()
        losses_of(model, batch, recipe).total.backward()
        optimizer.step()
    after = losses_of(model, batch, recipe)
    assert after.guided[0] > before.guided[0]
    assert after.guided[1] > before.guided[1]
    assert after.total < before.total


def test_the_learning_rate_rises_stays_and_falls_to_zero() -> None:
    recipe = replace(TINY, stages=((100, 64, 32, "all"),), cycles=(100,), warmup=10, decay=0.5)
    rates = [learning_rate(step, recipe) for step in range(100)]
    assert rates[0] < rates[5] < rates[10] == rates[40] == 1.0
    assert rates[99] < 0.05 and rates[50:] == sorted(rates[50:], reverse=True)


@pytest.mark.parametrize("recipe", [BaseRecipe(), CONTINUED], ids=["from nothing", "continued"])
def test_the_cycles_make_up_all_steps_and_end_at_zero(recipe: BaseRecipe) -> None:
    assert sum(recipe.cycles) == recipe.steps
    assert learning_rate(recipe.steps - 1, recipe) < 0.01


def test_a_second_cycle_begins_at_the_full_rate_again() -> None:
    recipe = replace(TINY, stages=((100, 64, 32, "all"),), cycles=(60, 40), warmup=2)
    assert learning_rate(59, recipe) < 0.1
    assert learning_rate(62, recipe) == 1.0


def test_attention_starts_out_matching_and_copying() -> None:
    attention = _new_model(TINY).model.layers[0].self_attn
    copied = attention.o_proj.weight.float() @ attention.v_proj.weight.float()
    assert torch.allclose(copied, TINY.copy_gain**2 * torch.eye(32), atol=0.02)
    half = TINY.hidden_size // 2
    assert torch.equal(attention.q_proj.weight[:half], attention.k_proj.weight[:half])


def test_a_finished_base_loads_in_shards_below_the_limit(tmp_path: Path) -> None:
    train_base(tmp_path / "base", tmp_path / "work", TINY, checkpoint_every=2, compiled=False)
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "base")
    assert model.config.vocab_size == 600
    assert AutoTokenizer.from_pretrained(tmp_path / "base").eos_token_id == model.config.eos_token_id
    assert max(file.stat().st_size for file in (tmp_path / "base").iterdir()) < 10_000_000


def test_training_may_begin_from_a_base_that_has_read_before(tmp_path: Path) -> None:
    """Without a step at a rate above zero, the weights are those it began from; the recipe says which they were."""
    train_base(tmp_path / "first", tmp_path / "work", TINY, compiled=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("composer.training.base.learning_rate", lambda step, recipe: 0.0)
        train_base(tmp_path / "second", tmp_path / "more", TINY, start=tmp_path / "first", compiled=False)
    first, second = (AutoModelForCausalLM.from_pretrained(tmp_path / name).float() for name in ("first", "second"))
    assert _difference(first, second) < 0.005 < _difference(first, _new_model(TINY).float())
    recipe = json.loads((tmp_path / "second" / "recipe.json").read_text())
    assert list(recipe["start"]) == [path.name for path in (tmp_path / "first").glob("*.safetensors")]


def _difference(a: PreTrainedModel, b: PreTrainedModel) -> float:
    """Of two models' weights, as a share of their size: bf16 and fp16 round to less than half a percent."""
    pairs = list(zip(a.parameters(), b.parameters(), strict=True))
    return sum(float((x - y).detach().norm()) for x, y in pairs) / sum(float(x.detach().norm()) for x, _ in pairs)


def test_a_checkpoint_of_another_run_is_not_gone_on_from(tmp_path: Path) -> None:
    train_base(tmp_path / "base", tmp_path / "work", TINY, checkpoint_every=2, compiled=False)
    other = replace(TINY, muon_lr=0.5)
    with pytest.raises(SettingsError, match="of another recipe, or began from other weights"):
        train_base(tmp_path / "other", tmp_path / "work", other, compiled=False)
    assert not (tmp_path / "other" / "config.json").exists()


def test_a_killed_run_goes_on_from_its_checkpoint(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Killed(Exception):
        pass

    def stop_at_four(step: int, recipe: BaseRecipe) -> float:
        if step == 4:
            raise Killed
        return 1.0

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr("composer.training.base.learning_rate", stop_at_four)
        train_base(tmp_path / "base", tmp_path / "work", TINY, checkpoint_every=2, compiled=False)
    with caplog.at_level(logging.INFO, logger="composer.training.base"):
        train_base(tmp_path / "base", tmp_path / "work", TINY, checkpoint_every=2, compiled=False)
    assert "step 4 of 6" in caplog.text
    assert (tmp_path / "base" / "config.json").exists()
