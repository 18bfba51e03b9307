"""What a request to the API must hold before Gradio takes it; what does not fit is told without its values."""

from __future__ import annotations

import inspect
import json
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Scope

from composer.errors import unknown
from composer.ui.server.intake import Refusal

API = "/gradio_api/"
MAX_DIGITS, MAX_SESSION = 20, 100
NOT_JSON = "The request's body is not JSON with finite numbers, nested a few times at most. Correct it."
NOT_OBJECT = 'The request\'s body must be a JSON object, such as {"data": []}.'
NO_EVENT = "There is no such event on this page. Read its own list at /gradio_api/info."
NO_SESSION = f"session_hash must be text of 1 to {MAX_SESSION} characters."
_CALLS = ("call/", "run/", "api/")


def check(scope: Scope, body: bytes) -> Refusal | None:
    """What is wrong with a body sent to Gradio's API."""
    path: str = scope["path"]
    name = path.removeprefix(API).rstrip("/") if path.startswith(API) else ""
    if name != "queue/join" and not name.startswith(_CALLS):
        return None
    try:
        asked = json.loads(body, parse_float=_finite, parse_int=_short, parse_constant=_never)
    except (ValueError, RecursionError):
        return 400, NOT_JSON
    return _fault(asked, name, scope["app"].get_blocks().fns)


def _fault(asked: Any, name: str, fns: dict[int, Any]) -> Refusal | None:  # noqa: ANN401
    if not isinstance(asked, dict):
        return 400, NOT_OBJECT
    session = asked.get("session_hash")
    if session is not None and not (isinstance(session, str) and 0 < len(session) <= MAX_SESSION):
        return 422, NO_SESSION
    index = asked.get("fn_index")
    if (index is not None or name == "queue/join") and (type(index) is not int or index not in fns):
        return 404, NO_EVENT
    if index is not None:
        return None
    called = next((fn for fn in fns.values() if fn.api_name == name.rpartition("/")[2]), None)
    if called is None:
        return 404, NO_EVENT
    return _misnamed(asked, called) if name.startswith("call/v2/") else None


def _misnamed(asked: dict[str, Any], called: Any) -> Refusal | None:  # noqa: ANN401 - Gradio's BlockFunction
    parameters = inspect.signature(called.fn).parameters
    missing = [name for name, one in parameters.items() if one.default is one.empty and name not in asked]
    if missing:
        return 422, f"{missing[0]} is missing. Give {', '.join(missing)}."
    spare = [name for name in asked if name not in parameters and name != "oauth_token"]
    return (422, unknown("parameter", spare[0], parameters)) if spare else None


async def told_what_does_not_fit(request: Request, error: Exception) -> JSONResponse:
    """In place of FastAPI's own answer, which repeats the whole value."""
    faults = error.errors()[:3] if isinstance(error, RequestValidationError) else []
    places = [".".join(map(str, fault["loc"][1:]))[:80] + f": {fault['type']}" for fault in faults]
    return JSONResponse({"detail": f"The request does not fit: {'; '.join(places)}. Correct it."}, 422)


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError
    return value


def _short(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError
    return int(text)


def _never(text: str) -> float:
    raise ValueError(text)
