"""Fetching from the Hub: what is kept needs no network, and what goes wrong is one sentence with its remedy."""

from __future__ import annotations

import errno
import hashlib
import shutil
import socket

import huggingface_hub
import pytest
from fake_hub import ADAPTER, BASE, BASE_CONTENT, COMMIT, ONE, TWO, Hub
from huggingface_hub import constants

from composer.bank.hub import commit_of, weights_sha256
from composer.bank.manifest import ADAPTER_FILES, Source
from composer.bank.sources import BASE_FILES, folder_of
from composer.errors import BankError


def source(hub: str, revision: str | None = COMMIT) -> Source:
    return Source(None, hub, revision, ())


def test_an_adapter_is_fetched_once_and_then_needs_no_hub(hub: Hub):
    folder, within = folder_of(source(ADAPTER), ADAPTER_FILES)
    assert {name: (folder / name).read_bytes() for name in ADAPTER_FILES} == hub.models[ADAPTER]
    assert all((folder / name).resolve().is_relative_to(within) for name in ADAPTER_FILES)
    asked = len(hub.requests)
    assert folder_of(source(ADAPTER), ADAPTER_FILES)[0] == folder
    assert len(hub.requests) == asked


def test_of_a_base_only_safetensors_and_json_are_fetched(hub: Hub):
    folder, _ = folder_of(source(BASE), BASE_FILES)
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        name for name in BASE_CONTENT if not name.endswith((".bin", ".py"))
    )


def test_its_config_can_be_had_without_its_weights(hub: Hub):
    folder, _ = folder_of(source(BASE), ("config.json",))
    assert [path.name for path in folder.iterdir()] == ["config.json"]
    assert not any("one.safetensors" in request for request in hub.requests)


@pytest.mark.parametrize("token", [None, "hf_mine"])
def test_a_gated_model_says_what_to_do(hub: Hub, monkeypatch: pytest.MonkeyPatch, token: str | None):
    hub.gated.add(BASE)
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    words = "your token has no access.*Ask for access on https" if token else "no token is set.*set HF_TOKEN"
    with pytest.raises(BankError, match=f"{BASE} is gated.*{words}"):
        folder_of(source(BASE), BASE_FILES)


def test_a_gated_model_that_was_fetched_before_still_starts(hub: Hub):
    folder, _ = folder_of(source(BASE), BASE_FILES)
    hub.gated.add(BASE)
    assert folder_of(source(BASE), BASE_FILES)[0] == folder


def test_a_model_that_is_not_there_is_named(hub: Hub):
    with pytest.raises(BankError, match="someone/lora-pica is not on the Hub, or is private"):
        folder_of(source("someone/lora-pica"), ADAPTER_FILES)


def test_a_dropped_connection_is_one_sentence_and_the_next_start_goes_on(hub: Hub):
    hub.broken.add("two.safetensors")
    with pytest.raises(BankError, match="could not be fetched.*What was fetched is kept.*start again"):
        folder_of(source(BASE), BASE_FILES)
    hub.broken.clear()
    folder, _ = folder_of(source(BASE), BASE_FILES)
    assert (folder / "two.safetensors").read_bytes() == TWO


def test_a_hub_that_fails_is_one_sentence(hub: Hub):
    hub.status = 503
    with pytest.raises(BankError, match=f"{BASE} could not be fetched from the Hub"):
        folder_of(source(BASE), BASE_FILES)


def test_without_a_network_it_is_said_and_what_is_kept_still_works(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    folder, _ = folder_of(source(ADAPTER), ADAPTER_FILES)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert folder_of(source(ADAPTER), ADAPTER_FILES)[0] == folder
    with pytest.raises(BankError, match=f"{BASE} could not be fetched.*refused.*check the network"):
        folder_of(source(BASE), BASE_FILES)


def test_a_hub_that_never_answers_is_asked_once(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.setblocking(False)
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.3)
        with pytest.raises(BankError, match=f"{BASE} could not be fetched from the Hub: timed out.*check the network"):
            folder_of(source(BASE), BASE_FILES)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()


def test_offline_it_is_said_and_what_is_kept_still_works(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    folder, _ = folder_of(source(ADAPTER), ADAPTER_FILES)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    huggingface_hub.close_session()
    assert folder_of(source(ADAPTER), ADAPTER_FILES)[0] == folder
    with pytest.raises(BankError, match="has not been fetched whole yet, and HF_HUB_OFFLINE forbids it"):
        folder_of(source(BASE), BASE_FILES)
    huggingface_hub.close_session()


@pytest.mark.parametrize("lost", ["two.safetensors", "tokenizer.json"])
def test_a_partial_download_is_completed_and_without_a_network_named(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, lost: str
):
    folder, _ = folder_of(source(BASE), BASE_FILES)
    (folder / lost).resolve().unlink()
    (folder / lost).unlink()
    with monkeypatch.context() as away:
        away.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
        away.setattr(
            constants,
            "HUGGINGFACE_CO_URL_TEMPLATE",
            "http://127.0.0.1:9/{repo_id}/{filename}/{revision}",
        )
        with pytest.raises(BankError, match="could not be fetched from the Hub"):
            folder_of(source(BASE), BASE_FILES)
    assert (folder_of(source(BASE), BASE_FILES)[0] / lost).read_bytes() == BASE_CONTENT[lost]


def test_a_file_that_was_cut_off_is_named_with_what_to_delete(hub: Hub):
    folder, _ = folder_of(source(BASE), BASE_FILES)
    blob = (folder / "two.safetensors").resolve()
    blob.write_bytes(TWO[:-100])
    with pytest.raises(BankError, match="two.safetensors is cut off: 100 bytes are missing in .*Delete the folder"):
        folder_of(source(BASE), BASE_FILES)
    shutil.rmtree(folder.parent.parent)
    assert (folder_of(source(BASE), BASE_FILES)[0] / "two.safetensors").read_bytes() == TWO


def test_an_adapter_of_pickles_is_not_fetched(hub: Hub):
    hub.models[ADAPTER]["adapter_model.bin"] = hub.models[ADAPTER].pop("adapter_model.safetensors")
    with pytest.raises(BankError, match="adapter_model.safetensors is missing.*only safetensors are read"):
        folder_of(source(ADAPTER), ADAPTER_FILES)
    assert not any("adapter_model.bin" in request for request in hub.requests)


def test_a_base_of_pickles_is_not_fetched(hub: Hub):
    for name in ("one.safetensors", "two.safetensors", "model.safetensors.index.json"):
        del hub.models[BASE][name]
    with pytest.raises(BankError, match="no weights as .*safetensors.*only safetensors are read"):
        folder_of(source(BASE), BASE_FILES)


def test_a_full_disk_is_said(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    def no_space(*_: object, **__: object):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("huggingface_hub.file_download.http_get", no_space)
    with pytest.raises(BankError, match="no space is left for .*HF_HOME"):
        folder_of(source(BASE), BASE_FILES)


def test_a_branch_is_asked_for_its_commit(hub: Hub):
    assert commit_of(ADAPTER, "main") == COMMIT
    with pytest.raises(BankError, match="has no such revision"):
        commit_of(ADAPTER, "mian")
    with pytest.raises(BankError, match="someone/else is not on the Hub"):
        commit_of("someone/else", "main")


def test_the_hub_knows_the_sha256_of_weights(hub: Hub):
    hub.models["someone/encoder"] = {"model.safetensors": ONE}
    assert weights_sha256("someone/encoder", COMMIT) == hashlib.sha256(ONE).hexdigest()
