"""What a check finds before anything is uploaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from composer.space.card import synced
from composer.space.checks import check_bank, check_drift, check_import, check_plan, check_secrets
from composer.space.plan import SpacePlan, make_plan
from composer.space.spacefile import read_spacefile
from tests.space.conftest import SPACEFILE


def plan_of(project: Path, profile: str = "free") -> SpacePlan:
    spacefile = read_spacefile(project)
    return make_plan(project, spacefile, spacefile.profile(profile), "ada/small")


def faults_of(project: Path, profile: str = "free") -> list[str]:
    return list(check_plan(project, plan_of(project, profile), read_spacefile(project).file_limit))


@pytest.fixture
def edit(project: Path) -> Callable[[str, str], None]:
    def replace(old: str, new: str) -> None:
        assert old in SPACEFILE
        (project / "Spacefile").write_text(SPACEFILE.replace(old, new), encoding="utf-8")

    return replace


def test_a_sound_project_has_no_faults(project: Path):
    assert faults_of(project) == faults_of(project, "paid") == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "sdk_version: 6.31.0",
            "sdk_version: 6.30.0",
            "is 6.30.0, and requirements.txt pins gradio 6.31.0",
        ),
        ("hardware: zero-a10g", "hardware: zero-a10", "unknown hardware 'zero-a10'. Did you mean 'zero-a10g'"),
        ("torch: 2.11.0, ", "", "ZeroGPU takes torch 2.8 to 2.11, and the Space would get 2.13.0"),
        ("torch: 2.11.0", "torch: 2.7.1", "ZeroGPU takes torch 2.8 to 2.11"),
        (", spaces: 0.51.3", "", "needs the package spaces"),
        ("3.12.12", "'3.11'", "ZeroGPU takes Python 3.12, and python_version is 3.11"),
        ("COMPOSER_DEVICE: cpu", "COMPOSER_DEVIEC: cpu", "'COMPOSER_DEVIEC'. Did you mean 'COMPOSER_DEVICE'"),
        ("COMPOSER_DEVICE: cpu", "COMPOSER_QUEUE: '0'", "COMPOSER_QUEUE is '0'"),
        ("app_file: app.py", "app_file: main.py", "app_file is main.py, which is not among the uploaded files"),
        ("hardware: zero-a10g", "hardware: cpu-basic\n      sleep_time: 60", "Remove sleep_time"),
    ],
)
def test_what_does_not_fit_together_is_told(
    project: Path, edit: Callable[[str, str], None], old: str, new: str, words: str
):
    edit(old, new)
    faults = faults_of(project)
    assert any(words in fault for fault in faults), faults
    assert all(fault.startswith("free: ") for fault in faults)


def test_a_python_older_than_the_app_wants_is_told(project: Path):
    (project / "pyproject.toml").write_text('[project]\nrequires-python = ">=3.13"\n')
    assert any("the app needs Python 3.13 or newer" in fault for fault in faults_of(project))


def test_a_file_over_the_limit_is_told(project: Path, edit: Callable[[str, str], None]):
    edit("file_limit_mb: 10", "file_limit_mb: 1")
    with (project / "adapters/small/huge.bin").open("wb") as file:
        file.truncate(1_000_001)
    assert [fault for fault in faults_of(project) if "adapters/small/huge.bin has 1.0 MB" in fault]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda readme: readme.replace(b"title: Small", b"title: Smaller"), "is not what the Spacefile says"),
        (lambda readme: readme.partition(b"---\n# ")[2], "is missing"),
        (lambda readme: b"---\ntitle: a\n", "never closes it"),
    ],
)
def test_drift_is_told(project: Path, change: Callable[[bytes], bytes], words: str):
    spacefile = read_spacefile(project)
    readme = synced((project / "README.md").read_bytes(), dict(spacefile.default.card))
    (project / "README.md").write_bytes(readme)
    assert list(check_drift(project, spacefile)) == []
    (project / "README.md").write_bytes(change(readme))
    [fault] = check_drift(project, spacefile)
    assert words in fault


def test_a_bank_that_is_not_uploaded_is_told(project: Path, edit: Callable[[str, str], None]):
    edit("ignore: [/assets/only-free.txt]", "ignore: [/adapters]")
    assert "not among the uploaded files" in (check_bank(project, plan_of(project, "paid")) or "")


def test_a_bank_that_cannot_be_opened_is_told(project: Path):
    assert check_bank(project, plan_of(project))


def test_a_bank_without_examples_wants_an_index(
    project: Path, edit: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("composer.space.checks.load_bank", lambda *_, **__: SimpleNamespace(examples=None))
    assert "no index is named" in (check_bank(project, plan_of(project)) or "")
    edit("COMPOSER_DEVICE: cpu", "COMPOSER_INDEX: rows")
    assert "'rows' is not among the uploaded files" in (check_bank(project, plan_of(project)) or "")
    (project / "rows").mkdir()
    (project / "rows" / "manifest.json").write_text("{}", encoding="utf-8")
    assert check_bank(project, plan_of(project)) is None
    edit("COMPOSER_DEVICE: cpu", "COMPOSER_INDEX: https://chroma.example.org")
    assert check_bank(project, plan_of(project)) is None


def test_a_missing_secret_is_a_fault_where_it_can_be_known_and_a_note_elsewhere(project: Path):
    paid = plan_of(project, "paid")
    assert "HF_TOKEN is not set on ada/small" in check_secrets(paid, set()).faults[0]
    assert check_secrets(paid, {"HF_TOKEN"}).faults == ()
    unknown = check_secrets(paid, None)
    assert (unknown.faults, len(unknown.notes)) == ((), 1)
    assert check_secrets(plan_of(project), None).notes == ()


@pytest.mark.parametrize(
    ("app", "words"),
    [
        ("def main(:\n", "SyntaxError"),
        ("import no_such_package\n", "No module named 'no_such_package'"),
        ("import tests.test_app\n", "No module named 'tests"),
        ("raise RuntimeError('at import')\n", "at import"),
    ],
)
def test_an_app_that_does_not_import_is_told(project: Path, app: str, words: str):
    """Also where it needs a file that is here and would not be uploaded."""
    (project / "tests/__init__.py").touch()
    (project / "tests/test_app.py").write_text("")
    (project / "app.py").write_text(app)
    assert words in (check_import(plan_of(project)) or "")


def test_an_app_that_imports_is_no_fault_and_leaves_nothing_behind(project: Path):
    (project / "helper.py").write_text("VALUE = 1\n")
    (project / "app.py").write_text("import os, helper\nassert 'SPACE_ID' not in os.environ\n")
    before = sorted(project.rglob("*"))
    assert check_import(plan_of(project)) is None
    assert sorted(project.rglob("*")) == before


def test_an_app_that_hangs_is_told(project: Path):
    (project / "app.py").write_text("import time\ntime.sleep(60)\n")
    assert "not imported within 0.5 s" in (check_import(plan_of(project), seconds=0.5) or "")


def test_modules_of_the_page_are_imported_too(project: Path):
    """The app imports them late, when it starts."""
    (project / "composer/ui").mkdir(parents=True)
    for name in ("composer/__init__.py", "composer/ui/__init__.py"):
        (project / name).touch()
    assert check_import(plan_of(project)) is None
    (project / "composer/ui/page.py").write_text("import no_such_package\n")
    assert "no_such_package" in (check_import(plan_of(project)) or "")
