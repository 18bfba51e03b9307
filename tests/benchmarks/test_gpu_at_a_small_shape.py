"""The measurements for a GPU, on a CPU: 4-bit banks of noise through the same code, held against PEFT."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from benchmarks import compare
from benchmarks.gpu import TINY, measured
from benchmarks.plan import Plan


def test_a_four_bit_bank_answers_as_peft_does_on_the_same_base(tiny_bank: Path, tmp_path: Path):
    result = measured(Plan(quick=True, bank=tiny_bank, cache_dir=tmp_path), replace(TINY, adapters=4))
    assert result["device"] == "cpu"
    assert result["parity"]["largest_difference"] < 1e-4
    same, total = result["parity"]["same_choice"].split(" of ")
    assert same == total == "18"
    assert result["merge"]["largest_difference"] <= 1e-6
    assert result["compare"]["largest_difference"] < 1e-3
    assert result["compare"]["rounds"] == 2


def test_a_compare_on_a_bank_in_four_bits_agrees_with_peft_first(tiny_bank: Path, cache_dir: Path, tmp_path: Path):
    result = compare.measure(Plan(quick=True, bank=_in_four_bits(tiny_bank, tmp_path), cache_dir=cache_dir))
    assert max(result["largest_difference"], result["largest_difference_fp32"]) < 1e-3
    assert result["peft"]["rounds"] == result["batched"]["rounds"] == 2
    assert result["bare"]["bare_ms"] > 0 and result["bare"]["ratio"] < result["bare"]["whole_ratio"]


def _in_four_bits(bank: Path, folder: Path) -> Path:
    text = (bank / "bank.toml").read_text(encoding="utf-8")
    assert 'quantization = "none"' in text
    copied = Path(shutil.copytree(bank, folder / "bank"))
    (copied / "bank.toml").write_text(text.replace('quantization = "none"', 'quantization = "nf4"'), encoding="utf-8")
    return copied
