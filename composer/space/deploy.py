"""A plan made true on the Hub. Each step looks at what is there and changes only what differs, and the files come last,
in a single commit: a Space is never built from half of them, and a second run finishes what a first one left.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from composer.errors import SpaceError
from composer.space.checks import missing_secret
from composer.space.plan import SpacePlan, megabytes
from composer.space.waiting import wait_until_running

if TYPE_CHECKING:
    from composer.space.files import SpaceFile
    from composer.space.hub import Hub

MARK = "Spacefile"
"""A Space that holds files of its own and not this one was made by somebody else."""
HUBS_OWN = (".gitattributes",)
"""The Hub writes it; it says which files are stored as large ones."""
BORN_WITH = (*HUBS_OWN, "README.md")


@dataclass(frozen=True)
class Deployed:
    space: str
    url: str
    stage: str
    hardware: str
    uploaded: tuple[str, ...]
    removed: tuple[str, ...]
    commit: str | None
    """None where the Space held these very files."""


def deploy(
    hub: Hub,
    plan: SpacePlan,
    secrets: Mapping[str, str],
    *,
    private: bool = False,
    timeout: float = 1_800,
    poll: float = 5,
    clock: Callable[[], float] = time.monotonic,
) -> Deployed:
    """Returns when the Space runs. Raises SpaceError; before the first change for what can be known by then.

    `secrets` holds values by name; a secret that is on the Space and not here stays as it is.
    """
    space, say = plan.space, hub.say
    exists = hub.exists(space)
    _check_secrets(hub, plan, secrets, exists)
    if exists:
        _check_ours(hub, space)
        say(f"1/5 {space} is there")
    else:
        say(f"1/5 Making {space} on {plan.profile.hardware}")
        _create(hub, plan, private)
    say("2/5 Secrets and variables")
    _set_secrets(hub, plan, secrets)
    _set_variables(hub, plan)
    say(f"3/5 Hardware {plan.profile.hardware}")
    _set_hardware(hub, plan)
    uploaded, removed, commit = _upload(hub, plan)
    say("5/5 Waiting for the Space")
    runtime = wait_until_running(hub, space, commit, timeout=timeout, poll=poll, clock=clock)
    hardware = str(runtime.hardware or plan.profile.hardware)
    return Deployed(space, hub.url(space), str(runtime.stage), hardware, uploaded, removed, commit)


def _check_secrets(hub: Hub, plan: SpacePlan, secrets: Mapping[str, str], exists: bool) -> None:
    there = hub.secrets(plan.space) if exists and plan.profile.secrets else frozenset()
    for name in plan.profile.secrets:
        if name not in there and not secrets.get(name):
            raise SpaceError(missing_secret(name, plan.space))


def _check_ours(hub: Hub, space: str) -> None:
    paths = set(_remote(hub, space))
    if MARK not in paths and paths - set(BORN_WITH):
        raise SpaceError(f"{space} holds another app, which this would replace. Name another Space with --repo.")


def _create(hub: Hub, plan: SpacePlan, private: bool) -> None:
    """With its hardware from the start: a free account may not even make a Space on what is the default."""
    settings: dict[str, Any] = {"space_hardware": plan.profile.hardware, "space_sleep_time": plan.profile.sleep_time}
    hub.call(
        "making the Space",
        hub.api.create_repo,
        plan.space,
        repo_type="space",
        space_sdk="gradio",
        private=private or None,
        exist_ok=True,
        **settings,
    )


def _set_secrets(hub: Hub, plan: SpacePlan, secrets: Mapping[str, str]) -> None:
    for name in plan.profile.secrets:
        if secrets.get(name):
            hub.call(f"setting the secret {name}", hub.api.add_space_secret, plan.space, name, secrets[name])


def _set_variables(hub: Hub, plan: SpacePlan) -> None:
    there = hub.call("reading the variables", hub.api.get_space_variables, plan.space)
    for name, value in plan.profile.variables:
        if name not in there or there[name].value != value:
            hub.call(f"setting the variable {name}", hub.api.add_space_variable, plan.space, name, value)
    for name in sorted(plan.retired & there.keys()):
        hub.call(f"removing the variable {name}", hub.api.delete_space_variable, plan.space, name)


def _set_hardware(hub: Hub, plan: SpacePlan) -> None:
    profile, runtime = plan.profile, hub.runtime(plan.space)
    hardware: Any = profile.hardware
    if (runtime.requested_hardware or runtime.hardware) != hardware:
        request = hub.api.request_space_hardware
        hub.call("asking for the hardware", request, plan.space, hardware, sleep_time=profile.sleep_time)
    elif profile.sleep_time is not None and runtime.sleep_time != profile.sleep_time:
        hub.call("setting the sleep time", hub.api.set_space_sleep_time, plan.space, profile.sleep_time)


def _upload(hub: Hub, plan: SpacePlan) -> tuple[tuple[str, ...], tuple[str, ...], str | None]:
    """(paths that are new or changed, paths that are gone, the commit). Everything in one commit, or nothing."""
    remote = _remote(hub, plan.space)
    changed = tuple(file for file in plan.files if not _same(file, remote.get(file.path)))
    kept = {file.path for file in plan.files} | set(HUBS_OWN)
    gone = tuple(sorted(set(remote) - kept))
    if not changed and not gone:
        hub.say(f"4/5 All {len(plan.files)} files are there")
        return (), (), None
    hub.say(
        f"4/5 Uploading {len(changed)} of {len(plan.files)} files ({megabytes(sum(file.size for file in changed))})"
        + (f", removing {len(gone)}" if gone else "")
    )
    commit = hub.call("uploading", lambda: _commit(hub, plan, {file.path for file in changed}, set(gone)))
    return tuple(file.path for file in changed), gone, commit


def _commit(hub: Hub, plan: SpacePlan, changed: set[str], gone: set[str]) -> str:
    """Looks again at what is there: this may be the second attempt, after a commit whose answer was lost."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    remote = _tree(hub, plan.space)
    operations: list[Any] = [
        CommitOperationAdd(file.path, str(file.source) if file.written is None else file.written)
        for file in plan.files
        if file.path in changed and not _same(file, remote.get(file.path))
    ]
    operations += [CommitOperationDelete(path) for path in sorted(gone & remote.keys())]
    if not operations:
        return str(hub.api.space_info(plan.space).sha)
    message = f"Deploy the profile {plan.profile.name}"
    return str(hub.api.create_commit(plan.space, operations, commit_message=message, repo_type="space").oid)


def _remote(hub: Hub, space: str) -> dict[str, Any]:
    return hub.call("reading which files are there", _tree, hub, space)


def _tree(hub: Hub, space: str) -> dict[str, Any]:
    """Path to what the Hub knows of the file."""
    from huggingface_hub import RepoFile

    entries = hub.api.list_repo_tree(space, recursive=True, repo_type="space")
    return {entry.path: entry for entry in entries if isinstance(entry, RepoFile)}


def _same(file: SpaceFile, remote: Any) -> bool:  # noqa: ANN401 - a RepoFile, or None
    """By content: the Hub names a large file by its sha256 and another one as git does."""
    if remote is None or remote.size != file.size:
        return False
    from huggingface_hub.utils.sha import git_hash

    if remote.lfs is None:
        return bool(git_hash(file.content()) == remote.blob_id)
    return bool(hashlib.sha256(file.content()).hexdigest() == remote.lfs.sha256)
