"""The page's standing text: header, section heads, how it works."""

from __future__ import annotations

from typing import Any

from composer.merging import METHODS
from composer.pipeline import Composer
from composer.ui.markup import data, esc

LOGO = (
    '<svg class="ac-logo" viewBox="0 0 40 40" width="40" height="40" aria-hidden="true">'
    '<g fill="none" stroke-width="3.4" stroke-linecap="round">'
    '<path class="l1" d="M5 8h6c9 0 8 12 17 12h7"/><path class="l2" d="M5 16h6c6 0 8 4 14 4h10"/>'
    '<path class="l3" d="M5 24h6c6 0 8-4 14-4h10"/><path class="l4" d="M5 32h6c9 0 8-12 17-12h7"/></g></svg>'
)


def header(composer: Composer) -> str:
    tasks = len(composer.bank.tasks)
    return (
        f'<header class="ac-head"><div class="ac-brand">{LOGO}<div><h1>Adapter Composer</h1>'
        f"<p>See which of {tasks} tasks your question resembles, and what"
        f" {_count(len(METHODS))} ways of merging their LoRA adapters answer.</p>"
        f'</div></div><div class="ac-head-side">{pill(composer)}'
        '<button type="button" class="ac-theme" data-theme-toggle aria-label="Switch'
        ' between light and dark" title="Light or dark">'
        '<svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">'
        '<circle cx="10" cy="10" r="7" fill="none" stroke="currentColor" stroke-width="1.8"/>'
        '<path d="M10 3a7 7 0 0 1 0 14z" fill="currentColor"/></svg></button></div></header>'
    )


def pill(composer: Composer) -> str:
    bank, base = composer.bank, composer.base
    size = sum(parameter.numel() for parameter in base.model.parameters())
    precision = str(base.dtype).removeprefix("torch.") if base.quantization == "none" else base.quantization
    hover = f"{bank.description} Base model of {_size(size)} parameters in {precision} on {base.device}."
    return (
        f'<div class="ac-pill" title="{esc(hover)}" role="status"><i aria-hidden="true"></i><b>{esc(bank.title)}</b>'
        f"<span>{_size(size)}</span><span>{esc(precision)}</span><span>{esc(base.device.type.upper())}</span>"
        '<span class="ac-state" data-state>ready</span></div>'
    )


def client_data(values: dict[str, Any]) -> str:
    """What the client scripts read once: an attribute, so that nothing in it is ever run."""
    return f'<div id="ac-data" hidden data-page="{data(values)}"></div>'


def section(number: int, title: str, sub: str) -> str:
    return (
        f'<div class="ac-section"><span aria-hidden="true">{number}</span><div><h2>{esc(title)}</h2><p>{esc(sub)}</p>'
        "</div></div>"
    )


def _size(count: int) -> str:
    for unit, name in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= unit:
            return f"{count / unit:.1f}{name}"
    return str(count)


def _count(number: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return words[number] if number < len(words) else str(number)
