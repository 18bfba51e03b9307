"""Training of an adapter: the loss falls, the files are PEFT's, a killed run ends with the same weights."""

from __future__ import annotations

import csv
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import Trainer

from composer.bank.manifest import load_bank
from composer.bank.reading import read_adapter
from composer.errors import BankError, ComposerError, SettingsError
from composer.inference.base import load_base
from composer.inference.planning import BasePlan
from composer.inference.prompts import encode_option
from composer.inference.scoring import score
from composer.tasks import TASKS
from composer.training.adapters import Site, _AdapterTrainer, intervals, load_for_training, train_adapter
from composer.training.device import default_recipe
from composer.training.history import Standing
from composer.training.plan import own_recipe
from composer.training.recipe import PAPER, SMALL, AdapterRecipe, recipe_named
from composer.training.record import read_record
from tests.training.small import RECIPE, examples_of, tokenizer_of


def site(base: Path, folder: Path) -> Site:
    return Site(base, "{prompt}\nAnswer:", folder / "adapter", folder / "work", "a/base")


def weights_of(site: Site) -> dict[str, torch.Tensor]:
    return load_file(site.output / "adapter_model.safetensors")


@pytest.fixture(scope="module")
def whole(base: Path, examples, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """An uninterrupted run."""
    place = site(base, tmp_path_factory.mktemp("whole"))
    train_adapter(examples, place, RECIPE, tokenizer_of(base))
    return place


def test_the_loss_falls_and_the_adapter_can_be_read(whole: Site) -> None:
    record = read_record(whole.output)
    with (whole.output / "loss.csv").open() as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert record.loss < losses[0] - 0.1
    factors = read_adapter(whole.output, name="sst2")
    assert factors.rank == 4 and factors.scaling == 2
    config = json.loads((whole.output / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "a/base"
    assert not whole.work.exists()
    assert len({path.stat().st_mode for path in whole.output.iterdir()}) == 1  # who reads one may read all


def test_base_rows_and_recipe_are_recorded(whole: Site) -> None:
    record = read_record(whole.output)
    assert (record.task, record.rows, record.left_out, record.steps) == ("sst2", 64, 0, 32)
    assert record.identity["recipe"]["learning_rate"] == RECIPE.learning_rate
    assert len(record.identity["rows_sha256"]) == len(record.identity["base_id"]) == 64
    assert {"torch", "peft", "transformers"} <= record.versions.keys()


class Killed(Exception):
    pass


@pytest.mark.parametrize(
    ("method", "call"), [("training_step", 20), ("_save_optimizer_and_scheduler", 5)], ids=["in a step", "in a save"]
)
def test_a_killed_run_ends_with_the_same_weights_and_the_same_curve(
    whole: Site, base: Path, examples, tmp_path: Path, method: str, call: int
) -> None:
    calls, true_method = [], getattr(Trainer, method)

    def dies(self: Trainer, *args, **kwargs):
        calls.append(1)
        if len(calls) == call:
            raise Killed
        return true_method(self, *args, **kwargs)

    killed = site(base, tmp_path)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Trainer, method, dies)
        train_adapter(examples, killed, RECIPE, tokenizer_of(base))
    standings: list[Standing] = []
    train_adapter(examples, killed, RECIPE, tokenizer_of(base), progress=standings.append)
    assert 1 < standings[0].step < standings[-1].step == standings[-1].steps == 32
    first, second = weights_of(whole), weights_of(killed)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert (killed.output / "loss.csv").read_text() == (whole.output / "loss.csv").read_text()


def test_checkpoints_of_another_run_are_refused_and_thrown_away_only_when_asked(
    base: Path, examples, tmp_path: Path
) -> None:
    place = site(base, tmp_path)

    def stop(standing: Standing) -> None:
        if standing.step == 5:
            raise Killed

    def train(recipe: AdapterRecipe, **options: object) -> None:
        train_adapter(examples, place, recipe, tokenizer_of(base), progress=stop, **options)

    with pytest.raises(Killed):
        train(RECIPE)
    with pytest.raises(SettingsError, match=r"another run: its learning rate is 0\.01, and 0\.1 is asked for"):
        train(replace(RECIPE, learning_rate=0.1))
    assert list(place.work.glob("checkpoint-*"))
    with pytest.raises(Killed):
        train(replace(RECIPE, learning_rate=0.1), resume=False)


def test_progress_counts_steps_and_rows(base: Path, examples, tmp_path: Path) -> None:
    standings: list[Standing] = []
    train_adapter(
        examples[:16], site(base, tmp_path), replace(RECIPE, epochs=2), tokenizer_of(base), progress=standings.append
    )
    assert [(s.step, s.rows) for s in standings] == [(0, 0), (1, 8), (2, 16), (3, 24), (4, 32)]
    assert standings[-1].total_rows == 32 and standings[-1].loss is not None


def test_an_adapter_trains_on_a_base_in_4_bits(base: Path, examples, tmp_path: Path) -> None:
    place, recipe = site(base, tmp_path), replace(RECIPE, epochs=2)
    train_adapter(examples, place, recipe, tokenizer_of(base), quantization="nf4")
    record = read_record(place.output)
    assert record.identity["quantization"] == "nf4"
    assert record.loss < record.first_loss
    assert read_adapter(place.output, name="sst2").rank == 4


def test_a_loss_that_is_no_number_stops_the_training(base: Path, examples, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(ComposerError, match="diverged: at step 1 "):
        patch.setattr(_AdapterTrainer, "compute_loss", lambda *_, **__: torch.tensor(float("nan"), requires_grad=True))
        train_adapter(examples, site(base, tmp_path), RECIPE, tokenizer_of(base))
    assert not (tmp_path / "adapter").exists()


@pytest.mark.parametrize(
    ("error", "words"),
    [(torch.OutOfMemoryError("CUDA"), "ran out with 8 rows at once"), (OSError(28, "No space left"), "No space left")],
)
def test_no_memory_and_no_space_are_said_in_a_sentence(
    base: Path, examples, tmp_path: Path, error: Exception, words: str
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    with pytest.MonkeyPatch.context() as patch, pytest.raises(ComposerError, match=words):
        patch.setattr(Trainer, "training_step", fails)
        train_adapter(examples[:8], site(base, tmp_path), RECIPE, tokenizer_of(base))


def test_a_base_that_lacks_weights_is_refused(base: Path, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(base, tmp_path / "base"))
    tensors = load_file(broken / "model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, broken / "model.safetensors", {"format": "pt"})
    with pytest.raises(BankError, match=r"lack model\.layers\.1\.mlp\.up_proj\.weight"):
        load_for_training(broken)


def test_a_tokenizer_without_a_padding_token_serves(base: Path, examples, tmp_path: Path) -> None:
    tokenizer = tokenizer_of(base)
    tokenizer.pad_token = None
    train_adapter(examples[:8], site(base, tmp_path), replace(RECIPE, epochs=1), tokenizer)
    assert tokenizer.pad_token is None


def test_nothing_is_printed(base: Path, examples, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train_adapter(examples[:8], site(base, tmp_path), replace(RECIPE, epochs=1), tokenizer_of(base))
    assert capsys.readouterr().out == ""


def test_the_loss_is_what_scoring_says_of_the_right_answers(base: Path, examples, tmp_path: Path) -> None:
    """Before the first step an adapter adds nothing; rows of all lengths stand in one batch."""
    place, rows = site(base, tmp_path), [*examples[:8], *examples_of("cb", 8)]
    train_adapter(rows, place, replace(RECIPE, epochs=1, batch_size=16), tokenizer_of(base))
    loaded = load_base(base, device="cpu")
    total, tokens = 0.0, 0
    for row in rows:
        (answer,) = score(loaded, row.prompt, row.options, (), template=place.template)
        total += answer.log_probabilities[row.gold]
        tokens += len(encode_option(loaded.tokenizer, place.template, row.options[row.gold]))
    assert read_record(place.output).first_loss == pytest.approx(-total / tokens, abs=1e-3)


def test_examples_without_room_are_refused(base: Path, examples, tmp_path: Path) -> None:
    with pytest.raises(ComposerError, match="64 examples"):
        train_adapter(examples, site(base, tmp_path), replace(RECIPE, max_tokens=6), tokenizer_of(base))
    with pytest.raises(SettingsError, match="up to 512 tokens are asked for, and the base reads 128"):
        train_adapter(examples, site(base, tmp_path), replace(RECIPE, max_tokens=512), tokenizer_of(base))
    with pytest.raises(ComposerError, match="no examples"):
        train_adapter([], site(base, tmp_path), RECIPE, tokenizer_of(base))


def test_the_papers_recipe_is_what_the_paper_says() -> None:
    assert (PAPER.rank, PAPER.alpha, PAPER.dropout, PAPER.epochs) == (64, 32, 0.0, 3)
    assert (PAPER.batch_size, PAPER.accumulation, PAPER.learning_rate, PAPER.warmup_steps) == (4, 4, 5e-5, 100)
    assert PAPER.schedule == "cosine" and PAPER.max_grad_norm == 1.0
    assert len(PAPER.targets) == 7
    assert recipe_named("paper") is PAPER


def test_a_7b_bank_is_trained_by_the_papers_recipe_unless_it_names_another(small_bank: Path) -> None:
    llama, tiny = load_bank("llama2-7b", ready=False), load_bank(small_bank, verify=False)
    large, small = (BasePlan(size, "none", {}, 0, 0) for size in (6_700_000_000, 135_000_000))
    assert llama.recipe == "paper" and default_recipe(llama, small) is PAPER
    assert default_recipe(tiny, large) is PAPER
    assert default_recipe(tiny, small) is SMALL
    assert default_recipe(replace(llama, recipe="small"), large) is SMALL
    with pytest.raises(SettingsError, match="unknown recipe 'papers'. Did you mean 'paper'"):
        default_recipe(replace(llama, recipe="papers"), large)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"rank": 0}, "rank is 0"),
        ({"rank": 513}, "from 1 to 512"),
        ({"epochs": 0}, "number of epochs is 0"),
        ({"epochs": float("nan")}, "number of epochs is nan"),
        ({"learning_rate": -1e-4}, "learning rate is -0.0001"),
        ({"batch_size": 1.5}, "batch size is 1.5"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"schedule": "cosin"}, "Did you mean 'cosine'"),
        ({"targets": ()}, "no layer"),
        ({"rows": 0}, "number of rows is 0"),
        ({"least_steps": -1}, "number of least steps is -1"),
    ],
)
def test_a_recipe_that_cannot_be_meant_is_refused(value: dict, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        replace(SMALL, **value)


@pytest.mark.parametrize("rows", [1, 64, 2_000, 100_000])
def test_a_checkpoint_falls_on_a_logged_step(rows: int) -> None:
    for recipe in (PAPER, SMALL):
        log_every, save_every = intervals(rows, recipe)
        assert 1 <= log_every <= 10 and save_every % log_every == 0 and save_every <= 50


def test_each_task_starts_from_factors_of_its_own() -> None:
    seeds = [own_recipe(SMALL, task).seed for task in (*TASKS, "a task of one's own")]
    assert len(set(seeds)) == len(seeds)
    assert own_recipe(SMALL, "cb") == own_recipe(SMALL, "cb")
    assert replace(own_recipe(SMALL, "cb"), seed=SMALL.seed) == SMALL


@pytest.mark.parametrize(("rows", "steps"), [(16, 150), (100, 154), (800, 150), (2_000, 375)])
def test_a_task_with_few_rows_is_passed_over_until_it_has_had_its_steps(rows: int, steps: int) -> None:
    a_pass = math.ceil(rows / (SMALL.batch_size * SMALL.accumulation))
    assert SMALL.epochs_of(rows) * a_pass == steps
    assert replace(SMALL, least_steps=0).epochs_of(rows) == SMALL.epochs


def test_so_many_steps_are_made(base: Path, examples, tmp_path: Path) -> None:
    place = site(base, tmp_path)
    train_adapter(examples[:8], place, replace(RECIPE, epochs=1, least_steps=5), tokenizer_of(base))
    assert read_record(place.output).steps == 5
