"""Going on where a killed run stopped: only from a whole checkpoint, and only if it is of the very same run."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from composer.errors import SettingsError

RUN_FILE = "run.json"
_LAST_WRITTEN = "trainer_state.json"
_NAME = re.compile(r"checkpoint-(\d+)")

Identity = Mapping[str, Any]
"""All that decides the weights, as plain JSON values: two runs with equal identities end with equal weights."""


def claim(work: Path, identity: Identity, *, resume: bool) -> Path | None:
    """Make `work` this run's, and return the checkpoint to go on from, if there is one.

    Raises SettingsError where the checkpoints there are of another run: their hours are not thrown away unasked.
    """
    if not resume:
        shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    _remove_torn(work)
    found = max(_whole(work), key=_step_of, default=None)
    if found is not None:
        _check_same(work, identity)
    # written whole or not at all: a torn file would disown good checkpoints
    temporary = work / (RUN_FILE + ".tmp")
    temporary.write_text(json.dumps(identity, indent=2) + "\n", encoding="utf-8")
    temporary.replace(work / RUN_FILE)
    return found


def _check_same(work: Path, identity: Identity) -> None:
    try:
        before = json.loads((work / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        before = {}
    now = json.loads(json.dumps(identity))  # tuples as the lists that they are in the file
    different = sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
    if different:
        raise SettingsError(
            f"the checkpoints in {work} are of another run: {_difference(different[0], before, now)}. Repeat its "
            "settings to go on with it, or start anew with --no-resume."
        )


def _difference(key: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    old, new = before.get(key), now.get(key)
    if isinstance(old, dict) and isinstance(new, dict):
        inner = next(name for name in {**old, **new} if old.get(name) != new.get(name))
        return _difference(inner, old, new)
    return f"its {key.replace('_', ' ')} is {old!r}, and {new!r} is asked for"


def _whole(work: Path) -> list[Path]:
    return [path for path in work.glob("checkpoint-*") if _NAME.fullmatch(path.name) and _is_whole(path)]


def _remove_torn(work: Path) -> None:
    """What was being written, or being removed, when the run was killed."""
    for path in work.glob("checkpoint-*"):
        if _NAME.fullmatch(path.name) and not _is_whole(path):
            shutil.rmtree(path)


def _is_whole(checkpoint: Path) -> bool:
    """The Trainer writes its state after all else; what is removed may lose any file first."""
    try:
        json.loads((checkpoint / _LAST_WRITTEN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    needed = ("adapter_model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth")
    return all((checkpoint / name).is_file() for name in needed)


def _step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])
