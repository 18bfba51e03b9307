"""What a bank.toml leaves open is written into it once, by asking the Hub and hashing files. The rest stays."""

from __future__ import annotations

import hashlib
import shutil
import tomllib
from pathlib import Path

import pytest
import tomlkit
from bank_files import write_bank
from fake_hub import ADAPTER, BASE, COMMIT, ONE, Hub

from composer.bank.manifest import BANK_FILE, load_bank
from composer.bank.pinning import pin_bank
from composer.config import ADAPTERS
from composer.errors import BankError

REMOTE = f"""\
# A bank that someone wrote by hand.
title = "By hand"

[base] # large
hub = "{BASE}"
revision = "main"   # or a commit
quantization = "nf4"

[prompt]
template = "{{prompt}}\\nAnswer:"

[encoder]
hub = "someone/encoder"

[examples]
datasets = true

[adapters.piqa]
hub = "{ADAPTER}"
revision = "main"

# Still to be made:
[adapters.copa]
path = "adapters/copa"
train = true
sha256 = {{}}
"""


@pytest.fixture
def remote(tmp_path: Path, hub: Hub) -> Path:
    hub.models["someone/encoder"] = {"model.safetensors": ONE}
    folder = tmp_path / "by-hand"
    folder.mkdir()
    (folder / BANK_FILE).write_text(REMOTE)
    return folder


def test_commits_are_asked_for_and_comments_stay(remote: Path):
    bank = load_bank(remote, ready=False)
    assert bank.unpinned == ("base", "encoder", "adapters.piqa")
    pinned = pin_bank(bank)
    assert (pinned.unpinned, pinned.untrained) == ((), ("copa",))
    assert (pinned.base.revision, pinned.adapter("piqa").revision, pinned.encoder.revision) == (COMMIT,) * 3
    text = (remote / BANK_FILE).read_text()
    assert text.replace(COMMIT, "main") != REMOTE  # the encoder's two lines are new
    for line in REMOTE.splitlines():
        assert line.replace("main", COMMIT) in text
    assert sorted(path.name for path in remote.iterdir()) == [BANK_FILE]


def test_what_is_pinned_is_not_asked_for_again(remote: Path, hub: Hub):
    pin_bank(load_bank(remote, ready=False))
    before, asked = (remote / BANK_FILE).read_text(), len(hub.requests)
    pin_bank(load_bank(remote, ready=False))
    assert ((remote / BANK_FILE).read_text(), len(hub.requests)) == (before, asked)


def test_where_one_commit_cannot_be_had_nothing_is_changed(remote: Path, hub: Hub):
    del hub.models[ADAPTER]
    with pytest.raises(BankError, match=f"{ADAPTER} is not on the Hub"):
        pin_bank(load_bank(remote, ready=False))
    assert (remote / BANK_FILE).read_text() == REMOTE


def test_files_that_ship_get_their_sha256(tmp_path: Path):
    whole = write_bank(tmp_path / "small")
    written = (whole.folder / BANK_FILE).read_text()
    bare = tomlkit.parse(written).unwrap()
    for table in (bare["base"], bare["examples"], bare["evaluation"], *bare["adapters"].values()):
        del table["sha256"]
    bare["files"]["map.json"] = ""
    (whole.folder / BANK_FILE).write_text(tomlkit.dumps(bare))
    with pytest.raises(BankError, match="bank pin"):
        load_bank(whole.folder)
    pin_bank(load_bank(whole.folder, ready=False))
    assert tomllib.loads((whole.folder / BANK_FILE).read_text()) == tomllib.loads(written)
    assert load_bank(whole.folder) == whole


def test_a_base_in_one_file_gets_its_commit_and_its_sha256(remote: Path, hub: Hub):
    hub.models["someone/gguf"] = {"tiny.gguf": ONE}
    base = '[base]\npackage = "not-installed"\nhub = "someone/gguf"\nfile = "tiny.gguf"\n\n'
    text = REMOTE[: REMOTE.index("[base]")] + base + REMOTE[REMOTE.index("[prompt]") :]
    (remote / BANK_FILE).write_text(text)
    pinned = pin_bank(load_bank(remote, ready=False))
    assert (pinned.unpinned, pinned.base.revision) == ((), COMMIT)
    assert pinned.base.file_sha256 == hashlib.sha256(ONE).hexdigest()


def test_an_adapter_that_is_not_trained_keeps_the_bank_from_answering(remote: Path):
    pin_bank(load_bank(remote, ready=False))
    with pytest.raises(BankError, match="not trained yet: copa.*composer train --bank .*by-hand --task all"):
        load_bank(remote)


# The two 7b banks that ship, without their files.


def test_the_public_adapters_are_named_and_wait_for_their_commits():
    bank = load_bank("loraretriever-7b", ready=False)
    assert len(bank.tasks) == 21
    assert "commonsense_qa" not in bank.tasks
    assert bank.unpinned == tuple(f"adapters.{task}" for task in bank.tasks)
    assert {str(source.hub).split("-")[0] for _, source in bank.adapters} == {"Styxxxx/llama2_7b_lora"}
    assert bank.adapter("mnli").hub == "Styxxxx/llama2_7b_lora-mnli_matched"
    assert bank.prompt("Why?").endswith("\n\n### Instruction:\nWhy?\n\n### Response:\n")
    assert (bank.base.hub, bank.quantization) == ("meta-llama/Llama-2-7b-hf", "nf4")
    with pytest.raises(BankError, match="18 more need a commit of 40.*bank pin loraretriever-7b"):
        load_bank("loraretriever-7b")


def test_the_papers_adapters_wait_to_be_trained():
    bank = load_bank("llama2-7b", ready=False)
    assert (len(bank.tasks), bank.unpinned, bank.untrained) == (22, (), bank.tasks)
    with pytest.raises(BankError, match="not trained yet: .*19 more.*composer train --bank llama2-7b --task all"):
        load_bank("llama2-7b")


def test_once_its_commits_are_written_the_public_bank_is_ready(tmp_path: Path, hub: Hub):
    folder = Path(shutil.copytree(ADAPTERS / "loraretriever-7b", tmp_path / "public"))
    for _, source in load_bank(folder, ready=False).adapters:
        hub.models[str(source.hub)] = {}
    pin_bank(load_bank(folder, ready=False))
    assert {source.revision for _, source in load_bank(folder).adapters} == {COMMIT}
    shipped = (ADAPTERS / "loraretriever-7b" / BANK_FILE).read_text()
    assert (folder / BANK_FILE).read_text() == shipped.replace('revision = "main"', f'revision = "{COMMIT}"')
