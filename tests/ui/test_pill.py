"""What the header says of the model: true for every way to load one."""

from __future__ import annotations

import html
import re
from pathlib import Path
from types import SimpleNamespace

import gguf
import pytest
import torch
from tiny_bank import save_tiny_llama
from tiny_gguf import write_tiny_gguf

from composer.bank.sources import sha256_of
from composer.inference.base import BaseModel, load_base
from composer.inference.gguf import converted
from composer.ui.words.prose import _size, pill


def facts(base: BaseModel) -> list[str]:
    """The pill's words, with what is said on hover in brackets."""
    bank = SimpleNamespace(title="Tiny <b>", description="A bank.")
    shown = re.sub(r' data-hint="([^"]*)">([^<]*)<', r">\2 (\1)<", pill(SimpleNamespace(bank=bank, base=base)))
    return [html.unescape(words) for words in re.findall(r">([^<>]+)<", shown)]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plain")
    save_tiny_llama(folder)
    return folder


@pytest.fixture(scope="module")
def unpacked(plain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Converted from a GGUF whose layers are Q4_1."""
    folder = tmp_path_factory.mktemp("unpacked")
    path = write_tiny_gguf(folder / "tiny.gguf", plain, kind=gguf.GGMLQuantizationType.Q4_1)
    return converted(path, sha256_of(path), folder / "cache")


@pytest.mark.parametrize(
    ("source", "quantization", "dtype", "weights", "computed"),
    [
        ("plain", "none", torch.float32, r"32-bit weights \(.* numbers that it computes in\)", "fp32"),
        ("plain", "none", torch.bfloat16, r"16-bit weights \(.* numbers that it computes in\)", "bf16"),
        ("plain", "nf4", torch.bfloat16, r"4-bit weights \(.*rounded to nf4 when it was loaded\)", "bf16"),
        ("plain", "nf4", torch.float32, r"4-bit weights \(.*rounded to nf4 .*\)", "fp32"),
        ("plain", "int8", torch.float32, r"8-bit weights \(.*rounded to int8 .*\)", "fp32"),
        ("unpacked", "none", torch.float32, r"4-bit weights \(.* file holds Q4_1 values.*\)", "fp32"),
        ("unpacked", "none", torch.bfloat16, r"4-bit weights \(.* file holds Q4_1 values.*\)", "bf16"),
        ("unpacked", "auto", torch.bfloat16, r"4-bit weights \(.* file holds Q4_1 values.*\)", "bf16"),
        ("unpacked", "nf4", torch.float32, r"4-bit weights \(.*rounded to nf4 .*\)", "fp32"),
        ("unpacked", "int8", torch.float32, r"8-bit weights \(.*rounded to int8 .*\)", "fp32"),
    ],
)
def test_the_pill_is_true(request, source: str, quantization: str, dtype: torch.dtype, weights: str, computed: str):
    folder = request.getfixturevalue(source)
    base = load_base(folder, quantization=quantization, device="cpu", dtype=dtype)
    title, size, kept, computes, device, state = facts(base)
    assert (title, size, device, state) == ("Tiny <b> (A bank.)", "103k parameters", "CPU", "ready ()")
    assert re.fullmatch(weights, kept), kept
    assert computes == f"{computed} (What the model computes in)"


def test_a_gpu_is_named_and_a_model_that_waits_for_its_first_question_is_cold(plain: Path):
    base = load_base(plain, device="cpu")
    on_gpu = SimpleNamespace(**{**vars(base), "device": torch.device("cuda", 0)})
    assert facts(on_gpu)[-2:] == ["CUDA", "ready ()"]
    bank = SimpleNamespace(title="Tiny", description="")
    assert 'class="ac-pill ac-cold"' in pill(SimpleNamespace(bank=bank, base=base), cold=True)


@pytest.mark.parametrize(
    ("count", "words"),
    [(134_515_008, "135M"), (6_738_415_616, "6.74B"), (13_015_864_320, "13.0B"), (96_832, "96.8k"), (999, "999")],
)
def test_sizes_are_said_as_models_are_named(count: int, words: str):
    assert _size(count) == words
