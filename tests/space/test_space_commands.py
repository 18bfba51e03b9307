"""`composer space …`, as a person runs it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from composer.config import ROOT
from composer.space.card import split
from composer.space.spacefile import read_spacefile
from tests.space.fake_hub import TOKEN, FakeHub


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("this was to work without a network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("huggingface_hub.hf_api.get_token", refuse)


@pytest.mark.parametrize("profile", [profile.name for profile in read_spacefile(ROOT).profiles])
def test_the_plan_of_every_profile_needs_no_network_and_no_token(cli, no_network: None, profile: str):
    ended = cli("space", "deploy", "--dry-run", "--profile", profile, "--json")
    assert ended.status == 0, ended.err
    plan = json.loads(ended.out)
    bank = plan["variables"]["COMPOSER_BANK"]
    assert {"app.py", "README.md", "requirements.txt", f"adapters/{bank}/bank.toml"} <= plan["files"].keys()
    assert not [path for path in plan["files"] if path.startswith(("tests/", ".", "benchmarks/"))]
    assert [path for path in plan["files"] if path.startswith("adapters/")] == [
        path for path in plan["files"] if path.startswith(f"adapters/{bank}/")
    ]
    assert plan["bytes"] == sum(plan["files"].values())
    text = cli("space", "deploy", "--dry-run", "--profile", profile).out
    assert f"Hardware  {plan['hardware']}" in text and "app.py" in text


def test_an_unknown_profile_is_refused(cli, refused):
    refused(cli("space", "deploy", "--dry-run", "--profile", "zerogpu-7"), "Did you mean 'zerogpu-7b'")


def test_sync_writes_the_front_matter_once(cli, project: Path):
    body = (project / "README.md").read_bytes()
    assert "wrote" in cli("space", "sync", "--folder", project).out
    written = (project / "README.md").read_bytes()
    assert written.endswith(body) and split(written)[1] == body
    assert "is in sync" in cli("space", "sync", "--folder", project).out
    assert (project / "README.md").read_bytes() == written


def test_check_names_every_fault_and_ends_with_1(cli, project: Path):
    cli("space", "sync", "--folder", project)
    sound = cli("space", "check", "--folder", project)
    assert sound.status == 0, sound.out
    (project / "app.py").write_text("import no_such_package\n")
    (project / "README.md").write_text("no front matter\n")
    ended = cli("space", "check", "--folder", project)
    assert ended.status == 1
    assert "front matter of README.md is missing" in ended.out and "no_such_package" in ended.out
    assert ended.err.endswith("composer: the Spacefile check found 2 faults, named above.\n")
    assert len(json.loads(cli("space", "check", "--folder", project, "--json").out)["faults"]) == 2


@pytest.mark.parametrize("command", ["sync", "check"])
def test_a_folder_without_a_readme_is_refused(cli, refused, project: Path, command: str):
    (project / "README.md").unlink()
    refused(cli("space", command, "--folder", project), "there is no README.md in")


def test_a_folder_without_a_spacefile_is_refused(cli, refused, tmp_path: Path):
    refused(cli("space", "check", "--folder", tmp_path), "there is no Spacefile in")


@pytest.mark.filterwarnings("ignore:Use 'content=")
def test_deploy_and_status_follow_huggingface_hubs_own_endpoint_setting(fake_hub: FakeHub):
    """In a process of its own: HF_ENDPOINT is read when huggingface_hub is imported."""
    fake_hub.builds = [["RUNNING"]]

    def command(*argv: str) -> subprocess.CompletedProcess[str]:
        settings = {"HF_ENDPOINT": fake_hub.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0"}
        return subprocess.run(
            [sys.executable, "-m", "composer", "space", *argv],
            cwd=ROOT,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            check=False,
        )

    ended = command("deploy", "--profile", "zerogpu", "--json")
    assert ended.returncode == 0, ended.stderr
    done = json.loads(ended.stdout)
    space = fake_hub.spaces["ada/adapter-composer"]
    assert (done["stage"], done["uploaded"]) == ("RUNNING", len(space.files) - 1)
    assert "4/5 Uploading" in ended.stderr and TOKEN not in ended.stderr + ended.stdout
    assert space.files["app.py"] == (ROOT / "app.py").read_bytes()
    said = json.loads(command("status", "--json").stdout)
    assert said["stage"] == "RUNNING" and said["hardware"] == "zero-a10g"
    assert said["url"] == f"{fake_hub.url}/spaces/ada/adapter-composer"


def test_a_space_that_is_not_there_is_one_sentence(fake_hub: FakeHub):
    settings = {"HF_ENDPOINT": fake_hub.url, "HF_TOKEN": TOKEN, "HF_HUB_OFFLINE": "0"}
    ended = subprocess.run(
        [sys.executable, "-m", "composer", "space", "status", "--repo", "ada/none"],
        cwd=ROOT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "there is no such Space" in ended.stderr and len(ended.stderr.splitlines()) == 1
