"""From a finished upload to a running Space, or to the log that says why it does not run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from composer.errors import SpaceError

if TYPE_CHECKING:
    from huggingface_hub import SpaceRuntime

    from composer.space.hub import Hub

RUNS = ("RUNNING", "SLEEPING")
"""One that sleeps wakes when somebody visits it."""
WORKS_ON_IT = ("BUILDING", "RUNNING_BUILDING", "APP_STARTING", "RUNNING_APP_STARTING", "NO_APP_FILE")
"""The last one is what a Space says before it has noticed its first files."""
LOG_LINES = 200


def wait_until_running(
    hub: Hub,
    space: str,
    commit: str | None,
    *,
    timeout: float = 1_800,
    poll: float = 5,
    clock: Callable[[], float] = time.monotonic,
) -> SpaceRuntime:
    """The runtime of a Space that runs `commit`; with None, whatever it holds: one that stands still is then started
    once more. Raises SpaceError where it fails, after its log was said, or where it takes longer than `timeout`."""
    began, said, restarted = clock(), "", commit is not None
    while True:
        runtime = hub.runtime(space)
        stage = str(getattr(runtime.stage, "value", runtime.stage))
        if stage != said:
            hub.say(f"     {stage} ({clock() - began:.0f} s)")
            said = stage
        if not _is_of(runtime, commit) or stage in WORKS_ON_IT or _moves(runtime):
            pass
        elif stage in RUNS:
            return runtime
        elif not restarted:
            restarted = True
            _restart(hub, space, stage)
        else:
            _say_log(hub, space, runtime, stage)
            raise SpaceError(f"{space} ended in {stage}. Its log is above: mend the cause and run the command again.")
        if clock() - began > timeout:
            raise SpaceError(
                f"{space} is still {stage} after {timeout / 60:.0f} minutes. `python -m composer space status` says "
                "how it goes on."
            )
        hub.sleep(poll)


def _is_of(runtime: SpaceRuntime, commit: str | None) -> bool:
    """Right after a commit the Hub still tells the stage of the one before."""
    sha = runtime.raw.get("sha")
    return commit is None or sha is None or sha == commit


def _moves(runtime: SpaceRuntime) -> bool:
    """To other hardware."""
    current, requested = runtime.hardware, runtime.requested_hardware
    return current is not None and requested is not None and current != requested


def _restart(hub: Hub, space: str, stage: str) -> None:
    """A build that failed is built anew, since its files did not change."""
    hub.say(f"     {stage}, with the same files: starting it again")
    hub.call("restarting it", hub.api.restart_space, space, factory_reboot=stage == "BUILD_ERROR")


def _say_log(hub: Hub, space: str, runtime: SpaceRuntime, stage: str) -> None:
    build = stage not in ("RUNTIME_ERROR", "STOPPED", "PAUSED")
    if runtime.raw.get("errorMessage"):
        hub.say(str(runtime.raw["errorMessage"]))
    try:
        lines = hub.log(space, build=build)
    except SpaceError as error:
        lines = [f"The log could not be read: {error}"]
    hub.say(f"---- {'build' if build else 'run'} log of {space}, last {min(len(lines), LOG_LINES)} lines ----")
    for line in lines[-LOG_LINES:]:
        hub.say(line)
    hub.say("---- end of the log ----")
