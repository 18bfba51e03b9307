"""`space check|sync|deploy|status`: the Spacefile, and the Hugging Face Space that it describes."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from composer.cli.common import Arguments, Commands, command, show
from composer.config import ROOT
from composer.errors import SpaceError

if TYPE_CHECKING:
    from composer.space.hub import Hub
    from composer.space.plan import SpacePlan
    from composer.space.spacefile import Spacefile


def add(commands: Commands) -> None:
    space = commands.add_parser("space", help="hosting on Hugging Face Spaces")
    of_space = space.add_subparsers(required=True, metavar="COMMAND")
    check = command(of_space, "check", space_check, "find what would keep a Space from working", one_bank=False)
    sync = command(of_space, "sync", space_sync, "write the README's front matter from the Spacefile", one_bank=False)
    deploy = command(of_space, "deploy", space_deploy, "put the app on a Space and wait until it runs", one_bank=False)
    status = command(of_space, "status", space_status, "say how a Space does", one_bank=False)
    for parser in (check, sync, deploy, status):
        parser.add_argument("--folder", type=Path, default=ROOT, help="the project's; default: this one")
    for parser in (check, deploy):
        parser.add_argument("--profile", metavar="NAME", help="one of the Spacefile's")
    for parser in (check, deploy, status):
        parser.add_argument("--repo", metavar="OWNER/NAME", help="the Space; default: the Spacefile's, in your account")
    _add_deploy(deploy)


def space_check(arguments: Arguments) -> None:
    from composer.reports import shown
    from composer.space.checks import check_all

    spacefile = _spacefile(arguments)
    chosen = [spacefile.profile(arguments.profile)] if arguments.profile else spacefile.profiles
    plans = [_plan(arguments, spacefile, profile.name, arguments.repo) for profile in chosen]
    there = _secrets_there(arguments, spacefile)
    _say("Importing the app from the files that would be uploaded …")
    found = check_all(arguments.folder, spacefile, plans, there)
    ok = () if found.faults else ("a Space can be built from these files",)
    if arguments.json:
        show({"faults": found.faults, "notes": found.notes})
    else:
        kinds = {"fault": found.faults, "note": found.notes, "ok": ok}
        show("\n".join(f"{kind}: {shown(one, 2_000)}" for kind, many in kinds.items() for one in many))
    if found.faults:
        many = "s" if len(found.faults) > 1 else ""
        raise SpaceError(f"the Spacefile check found {len(found.faults)} fault{many}, named above.")


def space_sync(arguments: Arguments) -> None:
    from composer.space.card import synced
    from composer.space.files import README, read_file

    spacefile, before = _spacefile(arguments), read_file(arguments.folder, README)
    after = synced(before, dict(spacefile.default.card))
    if after != before:
        (arguments.folder / README).write_bytes(after)
    words = f"wrote the front matter of {README}" if after != before else f"{README} is in sync"
    show({"changed": after != before} if arguments.json else words)


def space_deploy(arguments: Arguments) -> None:
    spacefile = _spacefile(arguments)
    profile = spacefile.profile(arguments.profile)
    hub = None if arguments.dry_run else _hub()
    space = hub.space_of(spacefile.name, arguments.repo) if hub else arguments.repo
    plan = _plan(arguments, spacefile, profile.name, space)
    _refuse_faults(arguments.folder, spacefile, plan, dry_run=hub is None)
    if hub is None:
        _show_plan(plan, arguments.json)
    else:
        _deploy(hub, plan, arguments)


def space_status(arguments: Arguments) -> None:
    from composer.reports import fields_report

    hub = _hub()
    space = hub.space_of(_spacefile(arguments).name, arguments.repo)
    runtime = hub.runtime(space)
    result = {
        "space": space,
        "stage": str(getattr(runtime.stage, "value", runtime.stage)),
        "hardware": runtime.hardware,
        "requested_hardware": runtime.requested_hardware,
        "sleep_time": runtime.sleep_time,
        "url": hub.url(space),
    }
    show(result if arguments.json else fields_report(result))


def _add_deploy(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--dry-run", action="store_true", help="print the whole plan; needs no network and no token")
    add("--private", action="store_true", help="make a new Space private")
    add("--timeout", type=float, default=30, metavar="MINUTES", help="to wait for the Space; default: 30")


def _deploy(hub: Hub, plan: SpacePlan, arguments: Arguments) -> None:
    from composer.reports import fields_report
    from composer.space.checks import secret_variable
    from composer.space.deploy import deploy

    given = {name: os.environ.get(secret_variable(name), "") for name in plan.profile.secrets}
    done = deploy(hub, plan, given, private=arguments.private, timeout=60 * arguments.timeout)
    result = {
        "space": done.space,
        "url": done.url,
        "stage": done.stage,
        "hardware": done.hardware,
        "uploaded": len(done.uploaded),
        "removed": len(done.removed),
        "commit": done.commit,
    }
    show(result if arguments.json else fields_report(result))


def _refuse_faults(folder: Path, spacefile: Spacefile, plan: SpacePlan, *, dry_run: bool) -> None:
    """A plan is shown as long as it can be made; what is deployed must also be able to answer."""
    from composer.space.checks import check_bank, check_plan, refuse_faults

    refuse_faults(list(check_plan(folder, plan, spacefile.file_limit)))
    bank = check_bank(folder, plan)
    if bank and not dry_run:
        raise SpaceError(bank)
    if bank:
        _say(f"Before this plan can be deployed: {bank}")


def _show_plan(plan: SpacePlan, as_json: bool) -> None:
    from composer.space.plan import plan_report, plan_summary

    show(plan_summary(plan) if as_json else plan_report(plan))


def _spacefile(arguments: Arguments) -> Spacefile:
    from composer.space.spacefile import read_spacefile

    return read_spacefile(arguments.folder)


def _plan(arguments: Arguments, spacefile: Spacefile, profile: str, space: str | None) -> SpacePlan:
    from composer.space.plan import make_plan

    return make_plan(arguments.folder, spacefile, spacefile.profile(profile), space)


def _secrets_there(arguments: Arguments, spacefile: Spacefile) -> frozenset[str] | None:
    """Their names on the Space, or where this runs on one in its environment; None where nobody can know."""
    if arguments.repo:
        hub = _hub()
        return hub.secrets(hub.space_of(spacefile.name, arguments.repo))
    return frozenset(os.environ) if os.environ.get("SPACE_ID") else None


def _hub() -> Hub:
    from composer.space.hub import Hub

    return Hub(say=_say)


def _say(text: str) -> None:
    from composer.reports import shown

    indent = len(text) - len(text.lstrip(" "))
    print(" " * indent + shown(text, 2_000), file=sys.stderr, flush=True)
