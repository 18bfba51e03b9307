"""All that a deployment does, as a value: it is shown before, and followed by, the deployment itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from composer.space.card import front_matter
from composer.space.files import SpaceFile, space_files
from composer.space.spacefile import MEGABYTE, Profile, Spacefile


@dataclass(frozen=True)
class SpacePlan:
    space: str
    """`owner/name`; the owner is `<you>` where nobody asked the Hub who that is."""
    profile: Profile
    files: tuple[SpaceFile, ...]
    retired: frozenset[str]
    """Variables of other profiles, which this one takes away from the Space."""

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


def make_plan(folder: Path, spacefile: Spacefile, profile: Profile, space: str | None) -> SpacePlan:
    retired = spacefile.variables - {name for name, _ in profile.variables}
    return SpacePlan(space or f"<you>/{spacefile.name}", profile, space_files(folder, profile), retired)


def plan_summary(plan: SpacePlan) -> dict[str, Any]:
    profile = plan.profile
    return {
        "space": plan.space,
        "profile": profile.name,
        "hardware": profile.hardware,
        "sleep_time": profile.sleep_time,
        "card": dict(profile.card),
        "variables": dict(profile.variables),
        "removed_variables": sorted(plan.retired),
        "secrets": list(profile.secrets),
        "requirements": dict(profile.requirements),
        "ignored": list(profile.ignore),
        "files": {file.path: file.size for file in plan.files},
        "bytes": plan.size,
    }


def plan_report(plan: SpacePlan) -> str:
    """A heading for each part, a line for each thing in it."""
    profile = plan.profile
    sleep = "as the Hub has it" if profile.sleep_time is None else f"after {profile.sleep_time} s without a visitor"
    parts = [
        f"Space     {plan.space}\nProfile   {profile.name}: {profile.about}\nHardware  {profile.hardware}\n"
        f"Sleeps    {sleep}",
        _part("Variables (public)", [f"{name}={value}" for name, value in profile.variables]),
        _part("Variables of other profiles, removed where they are set", sorted(plan.retired)),
        _part("Secrets (names; set in the Space's settings)", profile.secrets),
        _part("Changed in the uploaded requirements.txt", [f"{name}=={value}" for name, value in profile.requirements]),
        _part("Front matter of the uploaded README.md", front_matter(dict(profile.card)).decode().splitlines()),
        _part("Not uploaded", profile.ignore),
        _part(f"Files: {len(plan.files)}, {megabytes(plan.size)}", [_file(file) for file in plan.files]),
    ]
    return "\n\n".join(part for part in parts if part)


def megabytes(size: int) -> str:
    return f"{size / MEGABYTE:.1f} MB"


def _part(heading: str, lines: Sequence[str]) -> str:
    return "\n".join([heading, *(f"  {line}" for line in lines)]) if lines else ""


def _file(file: SpaceFile) -> str:
    changed = "  (rewritten)" if file.written not in (None, file.source.read_bytes()) else ""
    return f"{file.size:>12,}  {file.path}{changed}"
