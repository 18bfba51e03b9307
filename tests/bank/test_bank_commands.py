"""`bank new`, `check` and `pin`, as a person meets them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from bank_files import write_raw_adapter
from fake_hub import ADAPTER, BASE, COMMIT, Hub
from hostile import HOSTILE

from composer.bank.manifest import BANK_FILE, load_bank
from composer.config import ADAPTERS


def faults_of(cli, *argv: str | Path) -> list[str]:
    ended = cli("bank", "check", *argv, "--json")
    assert ended.status == 1
    return json.loads(ended.out)["faults"]


def test_a_new_bank_is_written_and_judged_honestly(cli, refused, tmp_path: Path):
    folder = tmp_path / "mine"
    ended = cli("bank", "new", folder, "--title", "My bank")
    assert (ended.status, ended.out.splitlines()[0]) == (0, str(folder / BANK_FILE))
    assert "# [adapters.copa]" in (folder / BANK_FILE).read_text()
    refused(cli("bank", "check", folder), "no adapter is named. Add a table")
    refused(cli("bank", "new", folder), "is there already")


def test_a_new_bank_takes_its_parts_from_the_options(cli, hub: Hub, tmp_path: Path):
    folder = tmp_path / "mine"
    write_raw_adapter(folder / "lora" / "cb")
    parts = ("--adapter", "cb=lora/cb", "--adapter", f"piqa={ADAPTER}@{COMMIT}", "--adapter", "copa=train")
    ended = cli("bank", "new", folder, "--base", BASE, "--quantization", "nf4", "--encoder", "a/b", *parts, "--json")
    assert json.loads(ended.out) == {"written": str(folder / BANK_FILE)}
    bank = load_bank(folder, ready=False)
    assert (bank.base.hub, bank.base.revision, bank.quantization) == (BASE, "main", "nf4")
    assert (bank.encoder.hub, bank.title, bank.examples) == ("a/b", "mine", None)
    assert bank.adapter("cb").path == folder / "lora" / "cb"
    assert (bank.adapter("piqa").hub, bank.adapter("piqa").revision) == (ADAPTER, COMMIT)
    assert (bank.untrained, bank.unpinned) == (("copa",), ("base", "encoder", "adapters.cb"))


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (("--quantization", "nf5"), "Did you mean 'nf4'"),
        (("--adapter", "cb=/tmp"), "lies outside of the bank. Copy it into"),
    ],
)
def test_a_new_bank_of_wrong_parts_is_not_written(cli, refused, tmp_path: Path, parts: tuple[str, ...], words: str):
    refused(cli("bank", "new", tmp_path / "mine", *parts), words)
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("relative", [False, True])
def test_an_adapters_folder_inside_of_the_bank_is_told_from_anywhere(
    cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relative: bool
):
    (tmp_path / "mine" / "adapters" / "cb").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    folder = Path("mine") if relative else tmp_path / "mine"
    assert cli("bank", "new", folder, "--adapter", f"cb={folder}/adapters/cb").status == 0
    assert 'path = "adapters/cb"' in (tmp_path / "mine" / "bank.toml").read_text(encoding="utf-8")


def test_wrong_usage_of_bank_new_is_status_2(cli, tmp_path: Path):
    assert cli("bank", "new", tmp_path / "mine", "--adapter", "cb").status == 2


def test_names_that_no_bank_can_have_are_one_sentence(cli, refused, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(cli("bank", "new", " "), "needs a name")
    refused(cli("bank", "new", "x" * 300), "'x+' cannot be used .File name too long")
    refused(cli("bank", "check", "x" * 300), "File name too long")
    assert list(tmp_path.iterdir()) == []
    assert cli("bank", "new", ".").status == 0
    assert f'title = "{tmp_path.name}"' in (tmp_path / BANK_FILE).read_text()


def test_a_name_alone_is_a_bank_among_those_that_ship(cli, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("composer.config.ADAPTERS", tmp_path)
    cli("bank", "new", "mine")
    assert (tmp_path / "mine" / BANK_FILE).is_file()


def test_a_sound_bank_passes_with_every_adapter_read(cli, small_bank: Path):
    ended = cli("bank", "check", small_bank, "--json")
    assert ended.status == 0, ended
    found = json.loads(ended.out)
    assert (found["read"], found["adapters"], found["faults"], found["notes"]) == (2, 2, [], [])
    assert 0 < found["base_gigabytes"] < 1


def test_all_faults_of_a_bank_are_named_at_once(cli, copied_bank: Path):
    description = copied_bank / BANK_FILE
    text = description.read_text()
    description.unlink()
    harmed = copied_bank / "adapters" / "cb"
    for file in list(harmed.iterdir()):
        content = file.read_bytes()
        file.unlink()
        file.write_bytes(content)
    HOSTILE["DoRA"][0](harmed)
    start = text.index("[adapters.") if "[adapters." in text else len(text)
    description.write_text(
        text[:start]
        + '[adapters.cb]\npath = "adapters/cb"\n[adapters.wic]\npath = "adapters/wic"\ntrain = true\n'
        + f'[adapters.rte]\nhub = "{ADAPTER}"\nrevision = "main"\n'
    )
    faults = "\n".join(faults_of(cli, copied_bank))
    for words in (
        "not pinned: adapters.cb, adapters.rte",
        "not trained yet: wic",
        "adapter 'cb' uses DoRA",
        "rows of copa, which has no adapter",
        "no row of wic",
    ):
        assert words in faults
    ended = cli("bank", "check", copied_bank)
    assert ended.out.count("fault: ") == faults.count("\n") + 1
    assert "faults, named above" in ended.err


def test_an_adapter_is_checked_against_the_bank_that_is_named(cli, refused, small_bank: Path, tmp_path: Path):
    folder = Path(shutil.copytree(small_bank / "adapters" / "cb", tmp_path / "cb"))
    found = json.loads(cli("bank", "check", folder, "--bank", small_bank, "--json").out)
    assert (found["bank"], found["rank"] > 0, found["modules"] > 0) == ("small", True, True)
    assert set(found["sha256"]) == {"adapter_config.json", "adapter_model.safetensors"}
    HOSTILE["shapes of another base"][0](folder)
    refused(cli("bank", "check", folder, "--bank", small_bank), "adapter 'cb'.*Was it made for another base")


def test_a_pickle_is_an_adapter_to_be_refused_and_any_folder_is_not(cli, refused, small_bank: Path, tmp_path: Path):
    folder = Path(shutil.copytree(small_bank / "adapters" / "cb", tmp_path / "cb"))
    HOSTILE["pickle"][0](folder)
    refused(cli("bank", "check", folder, "--bank", small_bank), "adapter_model.bin is not read")
    (tmp_path / "empty").mkdir()
    refused(cli("bank", "check", tmp_path / "empty"), "neither a bank.toml nor an adapter")
    refused(cli("bank", "check", tmp_path / "nowhere"), "there is no bank.toml")


def test_what_is_on_the_hub_is_only_fetched_when_asked(cli, hub: Hub, tmp_path: Path):
    cli("bank", "new", tmp_path / "mine", "--base", f"{BASE}@{COMMIT}", "--adapter", f"piqa={ADAPTER}@{COMMIT}")
    ended = cli("bank", "check", tmp_path / "mine", "--json")
    found = json.loads(ended.out)
    assert (ended.status, found["faults"], found["read"], hub.requests) == (0, [], 0, [])
    assert "has not been fetched yet" in " ".join(found["notes"])
    found = json.loads(cli("bank", "check", tmp_path / "mine", "--fetch", "--json").out)
    assert (found["faults"], found["read"]) == ([], 1)
    assert "describes no causal language model" in " ".join(found["notes"])


def test_commits_are_pinned_by_a_command(cli, refused, hub: Hub, tmp_path: Path):
    folder = tmp_path / "mine"
    cli("bank", "new", folder, "--base", BASE, "--adapter", f"piqa={ADAPTER}")
    hub.gated.add(BASE)
    pinned = json.loads(cli("bank", "pin", folder, "--json").out)
    assert pinned == {"bank": "mine", "pinned": ["base", "adapters.piqa"], "not_trained": []}
    assert load_bank(folder).base.revision == COMMIT
    assert json.loads(cli("bank", "show", "--bank", folder, "--json").out)["not_pinned"] == []


def test_what_is_missing_of_the_banks_that_ship_is_shown(cli):
    shown = json.loads(cli("bank", "show", "--bank", "llama2-7b", "--json").out)
    assert len(shown["not_trained"]) == 22
    shown = json.loads(cli("bank", "show", "--bank", "loraretriever-7b", "--json").out)
    assert len(shown["not_pinned"]) == 21
    assert (ADAPTERS / "llama2-7b" / BANK_FILE).is_file()
