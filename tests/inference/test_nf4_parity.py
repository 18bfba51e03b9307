"""The base that ships, in 4 bits: four merges of random adapters score as PEFT scores them on the same 4-bit base."""

import warnings

import pytest
import torch
from peft import PeftModel
from tiny_bank import TEMPLATE, save_random_adapter
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from composer.bank.reading import read_adapter
from composer.config import DEFAULT_METHODS, MergeSettings
from composer.inference.base import load_base
from composer.inference.prompts import encode_option, encode_prompt
from composer.inference.scoring import score
from composer.merging import merge

QUESTION = "Premise: The museum is closed on Mondays.\nHypothesis: You can visit it on any day."
OPTIONS = ("entailment", "neutral", "contradiction")
CHOICE = (("one", 0.5), ("two", 0.3), ("three", 0.2))
SCALE = 0.05
"""Of the factors: the merges move the log-probabilities by whole units, and the answer stays far from noise."""
TOLERANCE = 2e-4
"""Of a log-probability of about -10 to -30, in fp32: PEFT computes one option at a time, we all at once. Seen: 2e-5."""


@pytest.fixture(scope="module")
def base(smollm_base):
    return load_base(smollm_base, quantization="nf4", device="cpu", dtype=torch.float32)


@pytest.fixture(scope="module")
def folders(base, tmp_path_factory):
    place = tmp_path_factory.mktemp("random")
    shapes = {name: shape for name, shape in base.module_shapes.items() if name.startswith("model.layers")}
    return {
        name: save_random_adapter(place / name, shapes, scale=SCALE, seed=seed) for seed, (name, _) in enumerate(CHOICE)
    }


@pytest.fixture(scope="module")
def theirs(smollm_base, folders):
    """As PEFT's documentation shows it: a model in 4 bits, with all adapters loaded and the merges added."""
    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.float32,
    )
    plain = AutoModelForCausalLM.from_pretrained(smollm_base, quantization_config=config, dtype=torch.float32)
    for module in plain.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False  # else it computes in bf16 on the CPUs that can
    (first, folder), *rest = folders.items()
    model = PeftModel.from_pretrained(plain, folder, adapter_name=first)
    for name, path in rest:
        model.load_adapter(path, adapter_name=name)
    settings = MergeSettings()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for method in DEFAULT_METHODS:
            model.add_weighted_adapter(
                [name for name, _ in CHOICE],
                [weight for _, weight in CHOICE],
                method,
                combination_type=method,
                density=settings.density,
                majority_sign_method=settings.majority_sign_method,
            )
    return model.eval()


@pytest.fixture(scope="module")
def ours(base, folders):
    adapters = [read_adapter(folder, name=name, base_shapes=base.module_shapes) for name, folder in folders.items()]
    merged = [merge(method, adapters, CHOICE, MergeSettings()) for method in DEFAULT_METHODS]
    found = score(base, QUESTION, OPTIONS, merged, template=TEMPLATE)
    return {prediction.method: prediction.log_probabilities for prediction in found}


def asked_of_peft(model, base):
    """One forward an option."""
    prompt = encode_prompt(base.tokenizer, TEMPLATE.replace("{prompt}", QUESTION))
    found = []
    for option in OPTIONS:
        answer = torch.tensor(encode_option(base.tokenizer, TEMPLATE, option))
        ids = torch.cat([torch.tensor(prompt), answer])[None]
        with torch.inference_mode():
            logits = model(input_ids=ids, use_cache=False).logits[0, len(prompt) - 1 : -1]
        found.append(float(logits.log_softmax(-1).gather(-1, answer[:, None]).sum()))
    return found


def test_the_base_is_in_4_bits_on_both_sides(base, theirs):
    name = "model.layers.0.self_attn.q_proj"
    mine, other = base.model.get_submodule(name), theirs.get_base_model().get_submodule(name).base_layer
    assert type(mine).__name__ == type(other).__name__ == "Linear4bit"
    assert torch.equal(mine.weight.data, other.weight.data)


@pytest.mark.parametrize("method", DEFAULT_METHODS)
def test_a_merge_scores_in_4_bits_as_peft_scores_it(base, theirs, ours, method):
    theirs.set_adapter(method)
    assert ours[method] == pytest.approx(asked_of_peft(theirs, base), abs=TOLERANCE)
    moved = max(abs(a - b) for a, b in zip(ours[method], ours["base"], strict=True))
    assert moved > 0.1


def test_without_an_adapter_both_are_the_base(base, theirs, ours):
    with theirs.disable_adapter():
        assert ours["base"] == pytest.approx(asked_of_peft(theirs, base), abs=TOLERANCE)
