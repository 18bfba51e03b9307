"""Who asks: the page's session, and the address that it comes from."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any


def public_address(request: Any, *, trust_proxy: bool) -> str:  # noqa: ANN401 - Starlette's Request, or Gradio's own
    """The visitor's; "" where it cannot be told.

    Where a proxy is trusted, it is the last public address in X-Forwarded-For: each proxy adds the one that it was
    called from, so what a visitor forges stands before it. An address of a private network is a proxy's, or a person's
    own machine: it tells nobody apart.
    """
    peers = [request.client.host] if request.client else []
    if trust_proxy:
        forwarded = [part.strip() for line in request.headers.getlist("x-forwarded-for") for part in line.split(",")]
        peers = [*forwarded[-20:], *peers]
    return next((peer for peer in reversed(peers) if _is_public(peer)), "")


def _is_public(text: str) -> bool:
    try:
        return ip_address(text).is_global
    except ValueError:
        return False
