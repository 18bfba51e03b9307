"""Pre-training of a base model small enough for a test."""

from __future__ import annotations

import logging
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from composer.microworld.prose import documents, unmarked
from composer.training.base import BaseRecipe, _new_model, learning_rate, rows, train_base
from composer.training.tokenizer import train_tokenizer

TINY = BaseRecipe(
    hidden_size=32, layers=1, heads=2, intermediate_size=64, vocab_size=600, max_tokens=64, batch_tokens=128,
    stages=((3, 32, "scenes"), (3, 64, "all")), cycles=(6,), warmup=2,
)  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory):
    texts = [unmarked(text) for text in islice(documents(1), 300)]
    return train_tokenizer(texts, vocab_size=600, folder=tmp_path_factory.mktemp("tokenizer"), max_tokens=64)


def test_any_text_survives_the_tokenizer(tokenizer) -> None:
    for text in ("Tom has a ball.", "naïve ☃ 漢字 \U0001f600", "a\n b\tc"):
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_marked_words_weigh_more_and_marks_are_gone(tokenizer) -> None:
    ids, weights = next(rows(tokenizer, TINY, width=32, mix="scenes", seed=1))
    assert ids.shape == weights.shape == (4, 33)
    assert set(weights.unique().tolist()) == {1.0, TINY.marked_weight}
    assert "⟦" not in tokenizer.decode(ids.flatten())


def test_the_learning_rate_rises_stays_and_falls_to_zero() -> None:
    recipe = replace(TINY, stages=((100, 32, "all"),), cycles=(100,), warmup=10, decay=0.5)
    rates = [learning_rate(step, recipe) for step in range(100)]
    assert rates[0] < rates[5] < rates[10] == rates[40] == 1.0
    assert rates[99] < 0.05 and rates[50:] == sorted(rates[50:], reverse=True)


def test_each_cycle_ends_at_zero_and_the_cycles_make_up_all_steps() -> None:
    recipe = BaseRecipe()
    assert sum(recipe.cycles) == recipe.steps
    assert learning_rate(recipe.cycles[0] - 1, recipe) < 0.01
    assert learning_rate(recipe.cycles[0] + recipe.warmup, recipe) == 1.0


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
