"""HTML made in Python. Every text from outside goes through `esc`; nothing is left for a template to evaluate."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Sequence
from typing import Any


def esc(text: object) -> str:
    """Escaped for text and for quoted attributes. Lone surrogates, which no page can carry, become a question mark."""
    return html.escape(str(text).encode("utf-8", "replace").decode("utf-8"), quote=True)


def data(value: Any) -> str:  # noqa: ANN401 - any JSON
    """A JSON value for a quoted attribute, to be parsed by the client script and never evaluated."""
    return esc(json.dumps(value, ensure_ascii=True))


def percents(shares: Sequence[float], *, decimals: int = 1) -> tuple[float, ...]:
    """Shares of a whole in percent, rounded so that what is shown adds up to the whole (largest remainders)."""
    units = 10**decimals
    exact = [share * 100 * units for share in shares]
    floors = [math.floor(value) for value in exact]
    missing = round(sum(exact)) - sum(floors)
    by_remainder = sorted(range(len(exact)), key=lambda i: (floors[i] - exact[i], i))
    for i in by_remainder[:missing]:
        floors[i] += 1
    return tuple(floor / units for floor in floors)


def percent(value: float, decimals: int = 1) -> str:
    return f"{value:.{decimals}f}\u202f%"


def whole_percent(probability: float) -> str:
    """A probability as a person reads it; never 0 % or 100 % for what is only near."""
    value = probability * 100
    if 0 < value < 0.5:
        return "<1\u202f%"
    if 99.5 <= value < 100:
        return ">99\u202f%"
    return f"{value:.0f}\u202f%"


def term(words: str, explanation: str, *, stop: bool = True) -> str:
    """Words with an explanation, which the client script shows on hover, on a tap and on focus; a `stop` for the
    keyboard is wanted where the words come once, not on every card."""
    focus = ' tabindex="0"' if stop else ""
    return f'<span class="ac-term"{focus} data-hint="{esc(explanation)}">{esc(words)}</span>'


def milliseconds(value: float) -> str:
    return f"{value:.0f} ms" if value >= 1 else "<1 ms"


def sentence(text: str) -> str:
    """An error's message as a sentence of its own."""
    text = text.strip()
    return text[:1].upper() + text[1:]


def shortened(text: str, limit: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def save_buttons(what: str, name: str, *, png: bool = False) -> str:
    """Small buttons beneath a chart; the client script asks the server for the SVG and makes the PNG itself."""
    picture = f'<button type="button" data-export="{what}" aria-label="Save the {name} as PNG">PNG</button>'
    return (
        f'<p class="ac-saves"><span>Save as</span>{picture if png else ""}'
        f'<button type="button" data-make="{what}" aria-label="Save the {name} as SVG">SVG</button></p>'
    )
