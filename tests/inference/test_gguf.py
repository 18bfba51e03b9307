"""A base in one GGUF file: read once, whole or not at all, and what comes out is what is in the file."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import gguf
import pytest
import regex
import torch
from safetensors import safe_open
from tiny_bank import save_tiny_llama
from tiny_gguf import halved, write_tiny_gguf
from transformers import AutoModelForCausalLM, AutoTokenizer

from composer.bank.manifest import load_bank
from composer.bank.sources import Source, file_of, sha256_of
from composer.errors import BankError
from composer.inference.gguf import RECORD_FILE, _convert, base_folder, config_folder, converted

# The real file, of which the base of the bank that ships is made.

HEADS = {"attn_q": 9, "attn_k": 3}
TEXTS = (
    "Where can I buy a tennis ball?",
    "In 1984 it cost 12,345.67 dollars; call 555-0199 or 0.",
    "a 7   42      2024",
    "12 345  6789   0",
    "   leading and trailing   ",
    "It's they'll I'd we've don't YOU'RE o'clock",
    "Premise: A man plays.\nHypothesis: He doesn't.\n\nAnswer:",
    "tabs\tand\r\nline breaks \n  3 times",
    "Füße, naïve, Ελλάδα, Привет, 你好世界, こんにちは, العربية",
    "emoji 🙂👩‍👩‍👧 and ½ ² ٣ Ⅷ",
    "def f(x): return x**2 if x != 0 else [1, 2]  # comment",
    "supercalifragilisticexpialidocious antidisestablishmentarianism",
    "...!!! -- ~~~ (((a))) <|not a token|>",
    "",
)
_CUT = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")


@pytest.fixture(scope="module")
def smollm() -> Path:
    return file_of(load_bank("smollm2-135m", ready=False).base, fetch=False)


@pytest.fixture(scope="module")
def reader(smollm: Path) -> gguf.GGUFReader:
    return gguf.GGUFReader(smollm)


@lru_cache(maxsize=1)
def _byte_letters() -> dict[int, str]:
    """GPT-2's letters for bytes: what is printable stands for itself, the rest follows from 256 on."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {byte: chr(256 + n) for n, byte in enumerate(others)}


class PlainPairs:
    """Byte pair encoding as the paper tells it, from the file's own words: no tokenizer library."""

    def __init__(self, reader: gguf.GGUFReader) -> None:
        self.ids = {token: place for place, token in enumerate(reader.fields["tokenizer.ggml.tokens"].contents())}
        merges = reader.fields["tokenizer.ggml.merges"].contents()
        self.ranks = {tuple(merge.split(" ")): rank for rank, merge in enumerate(merges)}

    def encode(self, text: str) -> list[int]:
        # a digit is a piece by itself; what stands between digits is cut as if the text ended there
        pieces = [piece for piece in regex.split(r"(\p{N})", text) if piece]
        return [token for piece in pieces for word in _CUT.findall(piece) for token in self._word(word)]

    def _word(self, word: str) -> list[int]:
        parts = [_byte_letters()[byte] for byte in word.encode()]
        while len(parts) > 1:
            pairs = list(zip(parts, parts[1:], strict=False))
            place = min(range(len(pairs)), key=lambda at: (self.ranks.get(pairs[at], sys.maxsize), at))
            if pairs[place] not in self.ranks:
                break
            parts[place : place + 2] = ["".join(pairs[place])]
        return [self.ids[part] for part in parts]


@pytest.mark.parametrize("text", TEXTS)
def test_its_tokens_are_those_of_the_files_own_words(smollm_base: Path, reader: gguf.GGUFReader, text: str):
    tokenizer = AutoTokenizer.from_pretrained(smollm_base)
    found = tokenizer.encode(text, add_special_tokens=False)
    assert found == PlainPairs(reader).encode(text)
    assert tokenizer.decode(found) == text


def test_digits_are_taken_one_by_one(smollm_base: Path):
    tokenizer = AutoTokenizer.from_pretrained(smollm_base)
    assert tokenizer.tokenize("a   42") == ["a", "ĠĠĠ", "4", "2"]


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("model.layers.0.self_attn.q_proj.weight", "blk.0.attn_q.weight"),
        ("model.layers.29.self_attn.k_proj.weight", "blk.29.attn_k.weight"),
        ("model.layers.7.self_attn.v_proj.weight", "blk.7.attn_v.weight"),
        ("model.layers.7.self_attn.o_proj.weight", "blk.7.attn_output.weight"),
        ("model.layers.13.mlp.down_proj.weight", "blk.13.ffn_down.weight"),
        ("model.layers.13.mlp.gate_proj.weight", "blk.13.ffn_gate.weight"),
        ("model.layers.3.post_attention_layernorm.weight", "blk.3.ffn_norm.weight"),
        ("model.embed_tokens.weight", "token_embd.weight"),
        ("model.norm.weight", "output_norm.weight"),
    ],
)
def test_its_weights_are_the_files_own_in_16_bits(smollm_base: Path, reader: gguf.GGUFReader, name: str, stored: str):
    tensor = next(tensor for tensor in reader.tensors if tensor.name == stored)
    values = gguf.dequantize(tensor.data, tensor.tensor_type)
    kind = stored.split(".")[2] if stored.startswith("blk") else stored
    expected = torch.tensor(halved(values, HEADS[kind]) if kind in HEADS else values)
    with safe_open(smollm_base / "model.safetensors", "pt") as file:
        found = file.get_tensor(name)
    assert found.dtype == torch.float16
    assert torch.equal(found, expected.half())
    assert expected.std() > 0


def test_it_keeps_the_files_shape_and_ends_where_the_file_says(smollm_base: Path):
    config = json.loads((smollm_base / "config.json").read_text(encoding="utf-8"))
    assert (config["num_hidden_layers"], config["hidden_size"], config["num_key_value_heads"]) == (30, 576, 3)
    assert (config["max_position_embeddings"], config["rope_parameters"]["rope_theta"]) == (8192, 100_000)
    assert config["tie_word_embeddings"] is True
    assert "quantization_config" not in config
    assert sorted(path.suffix for path in smollm_base.iterdir() if path.suffix in (".bin", ".py", ".gguf")) == []


# A tiny file, for what happens on the way.


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny-model")
    save_tiny_llama(folder)
    return folder


@pytest.fixture(scope="module")
def tiny_gguf(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf", tiny_model)


def convert(path: Path, cache: Path, **kwargs: object) -> Path:
    return converted(path, sha256_of(path), cache, **kwargs)


def kept(cache: Path) -> list[str]:
    """All that lies in the cache, besides the lock."""
    return sorted(path.name for path in (cache / "base").iterdir() if path.suffix != ".lock")


def logits(folder: Path) -> torch.Tensor:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.inference_mode():
        return model(torch.arange(3, 60)[None]).logits


def test_a_converted_model_answers_as_the_one_that_was_stored(tiny_model: Path, tiny_gguf: Path, tmp_path: Path):
    expected = logits(tiny_model)
    assert expected.abs().max() > 1
    assert torch.allclose(logits(convert(tiny_gguf, tmp_path)), expected, atol=0.02)


def test_four_bits_lose_what_four_bits_lose_and_no_more(tiny_model: Path, tmp_path: Path):
    path = write_tiny_gguf(tmp_path / "q.gguf", tiny_model, kind=gguf.GGMLQuantizationType.Q8_0)
    assert torch.allclose(logits(convert(path, tmp_path)), logits(tiny_model), atol=0.2)


def test_another_cut_than_smollms_is_left_as_it_is(tiny_model: Path, tmp_path: Path):
    path = write_tiny_gguf(tmp_path / "tiny.gguf", tiny_model, pre="gpt-2")
    text = "a   42 and 1984"
    found = AutoTokenizer.from_pretrained(convert(path, tmp_path)).encode(text, add_special_tokens=False)
    assert found == AutoTokenizer.from_pretrained(tiny_model).encode(text, add_special_tokens=False)


def test_it_is_converted_once_and_said_once(tiny_gguf: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    said: list[str] = []
    folder = convert(tiny_gguf, tmp_path, say=said.append)
    assert capfd.readouterr() == ("", "")
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert convert(tiny_gguf, tmp_path, say=said.append) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert len(said) == 1 and said[0].startswith("Reading tiny.gguf once")
    assert kept(tmp_path) == [folder.name]


@pytest.mark.parametrize("harm", ["changed", "cut", "deleted", "no record", "no JSON", "no format", "another version"])
def test_what_was_changed_in_the_cache_is_noticed_and_converted_anew(tiny_gguf: Path, tmp_path: Path, harm: str):
    folder = convert(tiny_gguf, tmp_path)
    weights, record = folder / "model.safetensors", folder / RECORD_FILE
    expected = weights.read_bytes()
    if harm == "changed":
        weights.write_bytes(expected[:-1] + bytes([expected[-1] ^ 1]))
    elif harm == "cut":
        weights.write_bytes(expected[:-1])
    elif harm == "deleted":
        weights.unlink()
    elif harm == "no record":
        record.unlink()
    elif harm == "no JSON":
        record.write_text("[]")
    elif harm == "no format":
        record.write_text(json.dumps({k: v for k, v in json.loads(record.read_text()).items() if k != "stored_as"}))
    else:
        record.write_text(json.dumps(json.loads(record.read_text()) | {"version": 0}))
    said: list[str] = []
    assert convert(tiny_gguf, tmp_path, say=said.append) == folder
    assert (len(said), weights.read_bytes()) == (1, expected)
    assert convert(tiny_gguf, tmp_path, say=said.append) == folder
    assert len(said) == 1


KILLED = """
import os, sys
from pathlib import Path
from composer.inference import gguf

def stop(folder, *_):
    (folder / "model.safetensors").write_bytes(b"half")
    os._exit(9)

gguf._record = stop
gguf.converted(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
"""


def test_a_conversion_that_was_killed_starts_over_and_leaves_nothing(tiny_gguf: Path, tmp_path: Path):
    arguments = (str(tiny_gguf), sha256_of(tiny_gguf), str(tmp_path))
    ended = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False, capture_output=True)
    assert ended.returncode == 9, ended.stderr
    assert [Path(name).suffix for name in kept(tmp_path)] == [".part"]
    folder = convert(tiny_gguf, tmp_path)
    assert logits(folder).isfinite().all()
    assert kept(tmp_path) == [folder.name]


def test_a_folder_stands_there_whole_or_not_at_all(tiny_gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    seen: list[list[str]] = []

    def watched(source: str | Path, target: str | Path) -> None:
        seen.append(sorted(path.name for path in Path(source).iterdir()))
        assert not Path(target).exists()
        os.rename(source, target)

    monkeypatch.setattr("composer.inference.gguf.os.replace", watched)
    folder = convert(tiny_gguf, tmp_path)
    assert seen == [sorted(path.name for path in folder.iterdir())]
    assert RECORD_FILE in seen[0]


def test_of_several_that_ask_at_once_one_converts(tiny_gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made: list[Path] = []

    def counted(gguf: Path, folder: Path) -> None:
        made.append(folder)
        _convert(gguf, folder)

    monkeypatch.setattr("composer.inference.gguf._convert", counted)
    with ThreadPoolExecutor(4) as pool:
        folders = set(pool.map(lambda _: convert(tiny_gguf, tmp_path), range(4)))
    assert (len(folders), len(made)) == (1, 1)


def test_a_disk_without_room_is_one_sentence(tiny_gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 - as shutil's own
    monkeypatch.setattr("composer.inference.gguf.shutil.disk_usage", lambda path: usage(10**9, 10**9, 1_000))
    with pytest.raises(BankError, match=r"cannot be written to .*tiny-.*\(No space left on device\).*COMPOSER_CACHE"):
        convert(tiny_gguf, tmp_path)
    assert kept(tmp_path) == []


def test_a_disk_that_fills_on_the_way_is_one_sentence_and_leaves_nothing(tiny_gguf: Path, tmp_path: Path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))  # as a disk with room for that many bytes
    try:
        with pytest.raises(BankError, match=r"cannot be written to .*tiny-.*File too large.*COMPOSER_CACHE"):
            convert(tiny_gguf, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert kept(tmp_path) == []


def test_a_cache_that_cannot_be_written_is_one_sentence(tiny_gguf: Path, tmp_path: Path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(BankError, match=r"cannot be written to .*\(Not a directory\).*COMPOSER_CACHE"):
        convert(tiny_gguf, tmp_path / "file" / "cache")


@pytest.mark.parametrize("content", [b"", b"GGUF", b"no model at all" * 100])
def test_a_file_that_is_no_model_is_one_sentence(tmp_path: Path, content: bytes):
    (tmp_path / "bad.gguf").write_bytes(content)
    with pytest.raises(BankError, match="bad.gguf cannot be read as a model: .*Choose another file"):
        convert(tmp_path / "bad.gguf", tmp_path / "cache")
    assert kept(tmp_path / "cache") == []


def test_a_cut_file_is_one_sentence(tiny_gguf: Path, tmp_path: Path):
    (tmp_path / "cut.gguf").write_bytes(tiny_gguf.read_bytes()[:-5_000])
    with pytest.raises(BankError, match="cut.gguf cannot be read as a model"):
        convert(tmp_path / "cut.gguf", tmp_path / "cache")


def test_a_base_that_is_no_single_file_stays_where_it_lies(tiny_model: Path, tmp_path: Path):
    assert base_folder(Source(tiny_model), tmp_path) == config_folder(Source(tiny_model), tmp_path) == tiny_model
    assert list(tmp_path.iterdir()) == []


def test_a_base_in_one_file_is_found_checked_and_converted(tiny_gguf: Path, tmp_path: Path):
    source = Source(tiny_gguf.parent, file=tiny_gguf.name, sha256=((tiny_gguf.name, sha256_of(tiny_gguf)),))
    folder = base_folder(source, tmp_path)
    assert (folder / "config.json").is_file() and config_folder(source, tmp_path) == folder
    with pytest.raises(BankError, match="is not the file that bank.toml describes"):
        base_folder(Source(tiny_gguf.parent, file=tiny_gguf.name, sha256=((tiny_gguf.name, "0" * 64),)), tmp_path)
