"""What a Space would get."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer.errors import SpaceError
from composer.space.files import is_ignored, pins, space_files, with_requirements
from composer.space.plan import make_plan, plan_report, plan_summary
from composer.space.spacefile import Spacefile, read_spacefile


@pytest.fixture
def spacefile(project: Path) -> Spacefile:
    return read_spacefile(project)


@pytest.mark.parametrize(
    ("path", "pattern", "ignored"),
    [
        (".env", ".*", True),
        ("a/b/.cache", ".*", True),
        ("a.b", ".*", False),
        ("x/__pycache__", "__pycache__", True),
        ("tests", "/tests", True),
        ("composer/tests", "/tests", False),
        ("docs/log.md", "/docs/*.md", True),
        ("docs/images/a.png", "/docs/*.md", False),
        ("x/a.PYC", "*.pyc", False),
    ],
)
def test_a_pattern_with_a_slash_is_held_against_the_path(path: str, pattern: str, ignored: bool):
    assert is_ignored(path, [pattern]) is ignored


def test_ignored_files_are_not_in_the_plan(project: Path, spacefile: Spacefile):
    paths = [file.path for file in space_files(project, spacefile.default)]
    assert paths == sorted(paths)
    assert set(paths) == {
        "Spacefile",
        "README.md",
        "requirements.txt",
        "app.py",
        "adapters/small/bank.toml",
        "adapters/small/one.bin",
        "adapters/small/two.bin",
        "assets/only-free.txt",
        "assets/empty.txt",
    }


@pytest.mark.parametrize("target", ["/etc/hostname", "app.py", "/etc"])
def test_a_link_is_refused(project: Path, spacefile: Spacefile, target: str):
    (project / "linked").symlink_to(target)
    with pytest.raises(SpaceError, match="linked is a symbolic link"):
        space_files(project, spacefile.default)


def test_requirements_are_pinned_anew_or_added_and_the_rest_stays():
    text = "# torch==1.0 in a comment\n-c other.txt\nTorch == 2.13.0\nhuggingface_hub==2.4.0\na[b]==1\n"
    changed = with_requirements(text, [("torch", "2.11.0"), ("huggingface-hub", "3.0.0"), ("spaces", "0.51.3")])
    assert changed == (
        "# torch==1.0 in a comment\n-c other.txt\ntorch==2.11.0\nhuggingface-hub==3.0.0\na[b]==1\nspaces==0.51.3\n"
    )
    assert pins(changed) == {"torch": "2.11.0", "huggingface-hub": "3.0.0", "a": "1", "spaces": "0.51.3"}


def test_the_report_names_every_file_with_its_size(project: Path, spacefile: Spacefile):
    for profile in spacefile.profiles:
        plan = make_plan(project, spacefile, profile, "ada/small")
        report, summary = plan_report(plan), plan_summary(plan)
        assert summary["files"] == {file.path: len(file.content()) for file in plan.files}
        assert summary["bytes"] == sum(summary["files"].values())
        for path, size in summary["files"].items():
            assert f"{size:>12,}  {path}" in report
        for name, value in profile.variables:
            assert f"{name}={value}" in report
        assert f"Hardware  {profile.hardware}" in report


def test_without_an_account_the_owner_is_left_open(project: Path, spacefile: Spacefile):
    assert make_plan(project, spacefile, spacefile.default, None).space == "<you>/small"
