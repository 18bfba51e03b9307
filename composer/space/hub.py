"""Calls to the Hub that are made again after a lost connection or a request to wait, and refusals in words."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import httpx2
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError, OfflineModeIsEnabled

from composer.errors import SpaceError

if TYPE_CHECKING:
    from huggingface_hub import SpaceRuntime

P = ParamSpec("P")
T = TypeVar("T")
Say = Callable[[str], None]

ATTEMPTS = 6
LONGEST_WAIT = 300
"""Seconds: a Hub that asks for more is told to a person instead."""
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_REMEDIES = {
    401: "the token was not accepted. Run `hf auth login`, or set HF_TOKEN to a token that may write",
    402: "this hardware has to be paid for, or asks for a subscription: see https://huggingface.co/pricing",
    403: "the token may not do this. Use one that may write to this account",
    404: "there is no such Space, or the token may not see it",
}


class Hub:
    """One account's view of the Hub, patient with its passing faults."""

    def __init__(
        self, api: HfApi | None = None, *, say: Say = lambda _: None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.api = api or HfApi()
        self.say = say
        self.sleep = sleep

    def call(self, doing: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The function's value. `doing` completes "while …". Raises SpaceError.

        The function may be run several times, also after the Hub did what was asked and its answer was lost.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return function(*args, **kwargs)
            except OfflineModeIsEnabled as error:
                raise SpaceError("HF_HUB_OFFLINE is set, and this needs the Hub. Unset it.") from error
            except LocalTokenNotFoundError as error:
                remedy = "Run `hf auth login`, or set HF_TOKEN to a token that may write"
                raise SpaceError(f"there is no token for the Hub. {remedy}.") from error
            except (HfHubHTTPError, httpx2.TransportError, RuntimeError) as error:
                wait = seconds_to_wait(error, attempt)
                if wait is None or wait > LONGEST_WAIT or attempt == ATTEMPTS:
                    raise SpaceError(_words(doing, error, wait)) from error
                self.say(f"{_reason(error)} while {doing}: trying again in {wait:g} s")
                self.sleep(wait)
        raise AssertionError("unreachable")

    def exists(self, space: str) -> bool:
        return self.call("looking for the Space", self.api.repo_exists, space, repo_type="space")

    def runtime(self, space: str) -> SpaceRuntime:
        return self.call("asking how the Space does", self.api.get_space_runtime, space)

    def secrets(self, space: str) -> frozenset[str]:
        return frozenset(self.call("reading the names of its secrets", self.api.get_space_secrets, space))

    def log(self, space: str, *, build: bool) -> list[str]:
        lines: Callable[[], Iterable[str]] = lambda: list(self.api.fetch_space_logs(space, build=build))  # noqa: E731
        return "".join(self.call("reading its log", lines)).splitlines()

    def space_of(self, name: str, given: str | None) -> str:
        """`owner/name`. The Hub says who the owner is where that is not given; a token is asked for in any case."""
        account = self.call("asking whose token this is", self.api.whoami)["name"]
        return given if given and "/" in given else f"{account}/{given or name}"

    def url(self, space: str) -> str:
        return f"{self.api.endpoint}/spaces/{space}"


def seconds_to_wait(error: Exception, attempt: int) -> float | None:
    """None for a fault that will not pass by itself."""
    cause = _cause(error)
    if isinstance(cause, httpx2.TransportError):
        return float(2**attempt)
    response = getattr(cause, "response", None)
    if response is None or response.status_code not in _PASSING:
        return None
    asked = response.headers.get("Retry-After", "")
    return float(asked) if asked.isascii() and asked.isdigit() else float(2**attempt)


def _cause(error: BaseException) -> BaseException:
    """An upload wraps its fault into a RuntimeError."""
    while isinstance(error, RuntimeError) and error.__cause__ is not None:
        error = error.__cause__
    return error


def _reason(error: Exception) -> str:
    cause = _cause(error)
    if isinstance(cause, HfHubHTTPError):
        said = cause.server_message or cause.response.reason_phrase
        return f"the Hub answered {cause.response.status_code} ({said})"
    return "the connection was lost" if isinstance(cause, httpx2.TransportError) else str(cause)


def _words(doing: str, error: Exception, wait: float | None) -> str:
    response = getattr(_cause(error), "response", None)
    remedy = _REMEDIES.get(response.status_code) if response is not None else None
    if remedy:
        return f"{_reason(error)} while {doing}: {remedy}."
    later = f"after {wait:g} s" if wait is not None and wait > LONGEST_WAIT else "later"
    return f"{_reason(error)} while {doing}. Run the command again {later}: it goes on where it stopped."
