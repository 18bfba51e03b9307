"""What would keep a Space from being built or from working, found before anything is uploaded. No network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from composer.bank.manifest import BANK_FILE, load_bank
from composer.config import AppSettings
from composer.errors import BankError, SettingsError, SpaceError, unknown
from composer.space.card import split, synced
from composer.space.files import README, REQUIREMENTS, pins, read_file
from composer.space.plan import SpacePlan, megabytes
from composer.space.spacefile import Spacefile

ZERO_GPU_PYTHON = "3.12"
ZERO_GPU_TORCH = ((2, 8), (2, 11))
"""What ZeroGPU takes, as its documentation says in 2026; Python 3.10 as well, which is too old for this app."""

_IMPORT = """
import importlib, pkgutil, {app}
try:
    import composer.ui as page
except ModuleNotFoundError as error:
    if error.name not in ("composer", "composer.ui"):
        raise
else:
    for module in pkgutil.walk_packages(page.__path__, "composer.ui."):
        importlib.import_module(module.name)
"""


@dataclass(frozen=True)
class Findings:
    faults: tuple[str, ...]
    notes: tuple[str, ...]
    """What could not be known here, or must be done before a deployment."""


def check_all(
    folder: Path, spacefile: Spacefile, plans: Sequence[SpacePlan], there: Collection[str] | None
) -> Findings:
    """Of all these profiles; their code is the same, so the app is imported once. `there`: see `check_secrets`."""
    faults = list(check_drift(folder, spacefile))
    notes: list[str] = []
    for plan in plans:
        faults += check_plan(folder, plan, spacefile.file_limit)
        secrets = check_secrets(plan, there)
        faults += secrets.faults
        notes += secrets.notes
        bank = check_bank(folder, plan)
        notes += [f"{plan.profile.name}: not ready to be deployed: {bank}"] if bank else []
    broken = check_import(plans[0])
    return Findings((*faults, *([broken] if broken else [])), tuple(notes))


def check_drift(folder: Path, spacefile: Spacefile) -> Iterator[str]:
    """The README in the repository must carry the default profile's card."""
    try:
        readme = read_file(folder, README)
        drifted = synced(readme, dict(spacefile.default.card)) != readme
    except SpaceError as error:
        yield str(error)
        return
    if drifted:
        what = "is not what the Spacefile says" if split(readme)[0] else "is missing"
        yield f"the front matter of {README} {what}. Run `python -m composer space sync`."


def check_plan(folder: Path, plan: SpacePlan, file_limit: int) -> Iterator[str]:
    """One sentence for each fault of one profile."""
    for check in (_hardware, _versions, _zero_gpu, _variables, _app_file):
        for fault in check(folder, plan):
            yield f"{plan.profile.name}: {fault}"
    for file in plan.files:
        if file.size > file_limit:
            yield (
                f"{plan.profile.name}: {file.path} has {megabytes(file.size)}, and the Spacefile allows a file "
                f"{megabytes(file_limit)}. Ignore it, split it, or raise file_limit_mb."
            )


def check_bank(folder: Path, plan: SpacePlan) -> str | None:
    """Why the profile's bank cannot answer yet on a Space; its files' checksums are left to the app's start."""
    bank = dict(plan.profile.variables).get("COMPOSER_BANK") or AppSettings.bank
    if not any(file.path == f"adapters/{bank}/{BANK_FILE}" for file in plan.files):
        return f"the bank {bank!r} is not among the uploaded files. Put it into adapters/, and do not ignore it."
    try:
        examples = load_bank(bank, verify=False, banks=folder / "adapters").examples
    except BankError as error:
        return str(error)
    return None if examples else _check_index(plan, bank)


def _check_index(plan: SpacePlan, bank: str) -> str | None:
    """A bank without examples of its own answers by another index only."""
    index = dict(plan.profile.variables).get("COMPOSER_INDEX", "")
    remedy = "Build one with `composer index build`, and name its folder, or a Chroma server, as COMPOSER_INDEX."
    if not index:
        return f"the bank {bank!r} ships no examples, and no index is named. {remedy}"
    if "://" not in index and not any(file.path.startswith(f"{index.strip('/')}/") for file in plan.files):
        return f"the index {index!r} is not among the uploaded files. {remedy}"
    return None


def check_secrets(plan: SpacePlan, there: Collection[str] | None) -> Findings:
    """`there` holds the names that are set, and is None where nobody could know."""
    names = plan.profile.secrets
    if there is None:
        note = f"{plan.profile.name}: whether the secrets {', '.join(names)} are set is known with --repo only."
        return Findings((), (note,) if names else ())
    missing = [name for name in names if name not in there]
    return Findings(tuple(f"{plan.profile.name}: {missing_secret(name, plan.space)}" for name in missing), ())


def missing_secret(name: str, space: str) -> str:
    return (
        f"the secret {name} is not set on {space}. Set it in the Space's settings, or export {secret_variable(name)} "
        "with its value for the deployment."
    )


def secret_variable(name: str) -> str:
    """Not the bare name: a token that may write to the account must not reach a Space just because it was at hand."""
    return f"SPACE_SECRET_{name}"


def check_import(plan: SpacePlan, *, seconds: float = 600) -> str | None:
    """Imports the app from a copy of exactly the uploaded files, as the Space will. None where that works."""
    app = dict(plan.profile.card)["app_file"].removesuffix(".py").replace("/", ".")
    with tempfile.TemporaryDirectory(prefix="space-check-") as place:
        write_files(plan, Path(place))
        command = [sys.executable, "-c", _IMPORT.format(app=app)]
        environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "SPACE_ID")}
        environment |= {"PYTHONDONTWRITEBYTECODE": "1", "GRADIO_ANALYTICS_ENABLED": "False"}
        try:
            ended = subprocess.run(
                command, cwd=place, env=environment, capture_output=True, text=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            return f"the app was not imported within {seconds:g} s."
    if ended.returncode == 0:
        return None
    last = (ended.stderr.strip().splitlines() or [f"exit status {ended.returncode}"])[-1]
    return f"the app does not import from the files that would be uploaded: {last}"


def write_files(plan: SpacePlan, folder: Path) -> None:
    """Links where the file system can, since weights are large and nothing here writes to them."""
    for file in plan.files:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.written is not None:
            target.write_bytes(file.written)
            continue
        try:
            os.link(file.source, target)
        except OSError:
            shutil.copyfile(file.source, target)


def _hardware(_: Path, plan: SpacePlan) -> Iterator[str]:
    from huggingface_hub import SpaceHardware

    known = [str(hardware.value) for hardware in SpaceHardware]
    named = {"hardware": plan.profile.hardware, "suggested_hardware": dict(plan.profile.card).get("suggested_hardware")}
    for key, value in named.items():
        if value is not None and value not in known:
            yield f"{key}: {unknown('hardware', value, known)}"
    if plan.profile.hardware == "cpu-basic" and plan.profile.sleep_time is not None:
        yield "the Hub does not let anyone choose the sleep time of cpu-basic. Remove sleep_time."


def _versions(folder: Path, plan: SpacePlan) -> Iterator[str]:
    card, pinned = dict(plan.profile.card), _pins(plan)
    if card["sdk_version"] != pinned.get("gradio"):
        yield (
            f"sdk_version is {card['sdk_version']}, and {REQUIREMENTS} pins gradio {pinned.get('gradio')}: the Space "
            "would not be built. Make both the same."
        )
    lowest = _lowest_python(folder)
    if lowest and _numbers(card["python_version"])[:2] < _numbers(lowest):
        yield f"python_version is {card['python_version']}, and the app needs Python {lowest} or newer."


def _zero_gpu(_: Path, plan: SpacePlan) -> Iterator[str]:
    if not plan.profile.zero_gpu:
        return
    pinned, python = _pins(plan), str(dict(plan.profile.card)["python_version"])
    torch = pinned.get("torch", "unpinned")
    low, high = (".".join(map(str, version)) for version in ZERO_GPU_TORCH)
    if not ZERO_GPU_TORCH[0] <= _numbers(torch)[:2] <= ZERO_GPU_TORCH[1]:
        yield f"ZeroGPU takes torch {low} to {high}, and the Space would get {torch}. Name one under requirements."
    if not f"{python}.".startswith(f"{ZERO_GPU_PYTHON}."):
        yield f"ZeroGPU takes Python {ZERO_GPU_PYTHON}, and python_version is {python}."
    if "spaces" not in pinned:
        yield "ZeroGPU needs the package spaces. Name its version under requirements."


def _variables(_: Path, plan: SpacePlan) -> Iterator[str]:
    """The app itself reads them: what it refuses, and what it never looks at."""
    variables = _Watched(plan.profile.variables)
    try:
        AppSettings.from_env(variables)
    except SettingsError as error:
        yield str(error)
        return
    ours = {name for name in variables.read if name.startswith("COMPOSER_")}
    for name in variables:
        if name.startswith("COMPOSER_") and name not in ours:
            yield unknown("variable", name, ours)


def _app_file(_: Path, plan: SpacePlan) -> Iterator[str]:
    app = dict(plan.profile.card)["app_file"]
    if not any(file.path == app for file in plan.files):
        yield f"app_file is {app}, which is not among the uploaded files."


class _Watched(dict[str, str]):
    """Remembers which names were asked for."""

    def __init__(self, values: tuple[tuple[str, str], ...]) -> None:
        super().__init__(values)
        self.read: set[str] = set()

    def get(self, key: str, default: str | None = None) -> str | None:  # type: ignore[override]
        self.read.add(key)
        return super().get(key, default)


def _pins(plan: SpacePlan) -> Mapping[str, str]:
    found = next((file.content() for file in plan.files if file.path == REQUIREMENTS), b"")
    return pins(found.decode("utf-8"))


def _lowest_python(folder: Path) -> str:
    path = folder / "pyproject.toml"
    if not path.is_file():
        return ""
    required = tomllib.loads(path.read_text(encoding="utf-8"))["project"].get("requires-python", "")
    return str(required).removeprefix(">=").strip()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version.split("+")[0]))


def refuse_faults(faults: Collection[str]) -> None:
    """Raises SpaceError with the first fault and the number of the others."""
    if faults:
        more = f" (and {len(faults) - 1} more: run `python -m composer space check`)" if len(faults) > 1 else ""
        raise SpaceError(f"{next(iter(faults))}{more}")
