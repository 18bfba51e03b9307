"""The measurement for a GPU, on a CPU: a random 4-bit bank through the same code, held against PEFT."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.gpu import TINY, measured
from benchmarks.plan import Plan


def test_a_four_bit_bank_answers_as_peft_does_on_the_same_base():
    result = measured(Plan(quick=True), replace(TINY, adapters=4))
    assert result["device"] == "cpu"
    assert result["parity"]["largest_difference"] < 1e-4
    same, total = result["parity"]["same_choice"].split(" of ")
    assert same == total == "18"
    assert result["merge"]["largest_difference"] <= 1e-6
    assert result["compare"]["largest_difference"] < 1e-3
    assert result["compare"]["rounds"] == 2
