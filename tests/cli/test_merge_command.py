from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from composer.inference.prompts import encode_option
from composer.pipeline import Composer
from composer.types import Prediction, Query

QUERY = Query("Where can I buy a tennis ball?", ("a sports store", "a bakery in the town"))


def by_peft(composer: Composer, folder: Path) -> list[float]:
    """The log-probability of each option, by the model that anybody would load with PEFT."""
    base = AutoModelForCausalLM.from_pretrained(composer.base.name, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, folder).eval()
    prompt = list(composer.fit(QUERY).text_tokens)
    found = []
    for option in QUERY.options:
        tokens = list(encode_option(composer.base.tokenizer, composer.bank.prompt_template, option))
        with torch.inference_mode():
            logits = model(torch.tensor([prompt + tokens])).logits[0].log_softmax(-1)
        places = range(len(prompt) - 1, len(prompt) + len(tokens) - 1)
        found.append(sum(float(logits[place, token]) for place, token in zip(places, tokens, strict=True)))
    return found


@pytest.mark.parametrize("method", ["cat", "ties"])
def test_a_merged_adapter_answers_through_peft_as_it_does_here(composer: Composer, cli, tmp_path: Path, method: str):
    weights = (("commonsense_qa", 0.7), ("piqa", 0.5), ("sst2", -0.3))
    given = [part for task, weight in weights for part in ("--weight", f"{task}={weight}")]
    ended = cli("merge", *given, "--method", method, "--density", "0.5", "--output", tmp_path / "new" / "merged")
    assert ended.status == 0, ended.err
    base = composer.default_settings()
    settings = type(base)(base.retrieval, type(base.merge)(density=0.5), base.score)
    here = composer.score(QUERY, [composer.merge(weights, settings, method)], settings)
    assert all(isinstance(answer, Prediction) for answer in here)
    there = by_peft(composer, tmp_path / "new" / "merged")
    assert there == pytest.approx(here[1].log_probabilities, abs=1e-4)  # type: ignore[union-attr]
    assert there != pytest.approx(here[0].log_probabilities, abs=1e-4)  # type: ignore[union-attr]


def test_the_result_says_what_was_written(cli, small_bank: Path, tmp_path: Path):
    given = ("merge", "--bank", small_bank, "--weight", "cb=1", "--weight", "copa=-1", "--output", tmp_path / "out")
    result = json.loads(cli(*given, "--method", "cat", "--json").out)
    config = json.loads((tmp_path / "out" / "adapter_config.json").read_text())
    assert result["weights"] == {"cb": 1.0, "copa": -1.0}
    assert result["rank"] == config["r"] == config["lora_alpha"]
    assert result["base"] == config["base_model_name_or_path"] == f"{small_bank.name}/base"


def test_the_sign_of_ties_can_be_elected_by_total(cli, small_bank: Path, tmp_path: Path):
    for sign in ("frequency", "total"):
        given = ("merge", "--bank", small_bank, "--weight", "cb=1", "--weight", "copa=0.5", "--method", "ties")
        assert cli(*given, "--majority-sign", sign, "--output", tmp_path / sign).status == 0
    frequency, total = (tmp_path / sign / "adapter_model.safetensors" for sign in ("frequency", "total"))
    assert frequency.read_bytes() != total.read_bytes()


def test_an_existing_folder_is_only_used_if_it_is_empty(cli, small_bank: Path, tmp_path: Path):
    given = ("merge", "--bank", small_bank, "--weight", "cb=1", "--method", "cat", "--output", tmp_path)
    assert cli(*given).status == 0
    before = (tmp_path / "adapter_config.json").stat().st_mtime_ns
    again = cli(*given)
    assert (again.status, again.out) == (1, "")
    assert "is not empty" in again.err
    assert (tmp_path / "adapter_config.json").stat().st_mtime_ns == before
