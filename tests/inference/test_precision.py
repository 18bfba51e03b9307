"""What is computed in how many bits, and that fewer of them answer alike."""

import pytest
import torch
from tiny_bank import TEMPLATE

from composer.inference.base import load_base
from composer.inference.precision import compute_dtype, quantization_on
from composer.inference.scoring import score

from .conftest import random_adapter

QUESTION = "Where would a person buy a fresh loaf of bread?"
OPTIONS = ("the bakery on the corner", "no", "school")


@pytest.mark.parametrize(("multiplies", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_a_cpu_computes_in_bf16_only_where_it_multiplies_it(monkeypatch, tiny_folder, multiplies, expected):
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: multiplies)
    assert compute_dtype() == compute_dtype("cpu") == expected
    assert compute_dtype("cuda") == torch.bfloat16
    assert load_base(tiny_folder, device="cpu").dtype == expected


@pytest.mark.parametrize(
    ("device", "asked", "expected"),
    [
        ("cpu", "auto", "none"),
        ("cuda", "auto", "nf4"),
        ("cpu", "nf4", "nf4"),
        ("cuda", "none", "none"),
        ("cuda", "int8", "int8"),
    ],
)
def test_auto_is_four_bits_on_a_gpu_and_the_weights_as_they_are_on_a_cpu(device, asked, expected):
    assert quantization_on(device, asked) == expected


def test_a_base_that_is_opened_as_auto_says_what_that_was(tiny_folder):
    assert load_base(tiny_folder, quantization="auto", device="cpu").quantization == "none"


def test_bf16_answers_nearly_as_full_precision_does(tiny, tiny_folder):
    half = load_base(tiny_folder, device="cpu", dtype=torch.bfloat16)
    adapter = random_adapter(tiny, "linear")
    found = [score(base, QUESTION, OPTIONS, (adapter,), template=TEMPLATE) for base in (half, tiny)]
    for low, full in zip(*found, strict=True):
        assert low.scores == pytest.approx(full.scores, abs=0.1)
        assert low.scores != full.scores
