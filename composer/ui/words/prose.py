"""The page's standing text: header, section heads, how it works."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from composer.inference.base import BaseModel
from composer.inference.precision import short_name
from composer.pipeline import Composer
from composer.ui.markup import data, esc, term
from composer.ui.words.glossary import WORDS, explained

LOGO = (
    '<svg class="ac-logo" viewBox="0 0 40 40" width="40" height="40" aria-hidden="true">'
    '<g fill="none" stroke-width="3.4" stroke-linecap="round">'
    '<path class="l1" d="M5 8h6c9 0 8 12 17 12h7"/><path class="l2" d="M5 16h6c6 0 8 4 14 4h10"/>'
    '<path class="l3" d="M5 24h6c6 0 8-4 14-4h10"/><path class="l4" d="M5 32h6c9 0 8-12 17-12h7"/></g></svg>'
)


def header(composer: Composer, *, cold: bool = False) -> str:
    tasks, methods = len(composer.bank.tasks), len(composer.default_settings().methods)
    return (
        '<a class="ac-skip" href="#ac-fold">Skip to the results</a>'
        f'<header class="ac-head"><div class="ac-brand">{LOGO}<div><h1>Adapter Composer</h1>'
        f"<p>See which of {tasks} tasks your question resembles, and what"
        f" {_count(methods)} ways of merging their {explained('LoRA adapters', 'adapter')} answer.</p>"
        f'</div></div><div class="ac-head-side">{pill(composer, cold=cold)}'
        '<button type="button" class="ac-theme" data-theme-toggle aria-label="Switch'
        ' between light and dark" title="Light or dark">'
        '<svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">'
        '<circle cx="10" cy="10" r="7" fill="none" stroke="currentColor" stroke-width="1.8"/>'
        '<path d="M10 3a7 7 0 0 1 0 14z" fill="currentColor"/></svg></button></div></header>'
    )


def pill(composer: Composer, *, cold: bool = False) -> str:
    """Cold until a model has answered once. The client script says the rest: place in the queue, answering."""
    bank, base = composer.bank, composer.base
    facts = (
        f"{_size(base.model.num_parameters())} parameters",
        term(f"{base.weight_bits}-bit weights", _kept(base), stop=False),
        term(short_name(base.dtype), "What the model computes in", stop=False),
        esc(base.device.type.upper()),
    )
    state, why = ("cold", "The first answer takes longer: the model is loaded for it") if cold else ("ready", "")
    return (
        f'<div class="ac-pill{" ac-cold" if cold else ""}"><i aria-hidden="true"></i>'
        f"<b>{term(bank.title, bank.description or WORDS['bank'])}</b>{''.join(f'<span>{one}</span>' for one in facts)}"
        f'<span class="ac-state" data-state role="status" data-hint="{esc(why)}">{state}</span></div>'
    )


def _kept(base: BaseModel) -> str:
    """How the weights are kept, for a person."""
    if base.quantization != "none":
        return f"The base model's weights, rounded to {base.weight_format} when it was loaded"
    if base.weight_format == short_name(base.dtype):
        return "The base model's weights are kept in the numbers that it computes in"
    return f"The base model's file holds {base.weight_format} values, which are unpacked into what it computes in"


def client_data(values: dict[str, Any]) -> str:
    """What the client scripts read once: an attribute, so that nothing in it is ever run."""
    return f'<div id="ac-data" hidden data-page="{data(values)}"></div>'


def section(number: int, title: str, sub: str) -> str:
    return (
        f'<div class="ac-section"><span aria-hidden="true">{number}</span><div><h2>{esc(title)}</h2><p>{esc(sub)}</p>'
        '<p class="ac-stale-words" role="status"></p></div></div>'
    )


def api_snippet(url: str, endpoint: Callable[..., object], told: Mapping[str, str]) -> str:
    """A call that works as it stands, and all that the endpoint takes, with what is `told` of each parameter."""
    code = (
        "from gradio_client import Client\n\n"
        f'run = Client("{url}").predict(\n'
        '    question="Where can I buy a tennis ball?",\n'
        '    options=["a sports store", "a bakery"],\n'
        '    api_name="/compare",\n)\n'
        'print(run["weights"]["kept"], run["predictions"]["cat"]["chosen"])'
    )
    takes = "".join(
        f"<dt><code>{esc(_parameter(one))}</code></dt><dd>{esc(told[name])}</dd>"
        for name, one in inspect.signature(endpoint).parameters.items()
    )
    return (
        f'<pre class="ac-api" tabindex="0" aria-label="Example of the API"><code>{esc(code)}</code></pre>'
        '<details class="ac-takes"><summary>All that /compare takes</summary>'
        f"<dl>{takes}</dl></details>"
    )


def _parameter(one: inspect.Parameter) -> str:
    kind = getattr(one.annotation, "__name__", "") if isinstance(one.annotation, type) else ""
    kind = kind if kind and not getattr(one.annotation, "__args__", ()) else str(one.annotation)
    return f"{one.name}: {kind}" + ("" if one.default is one.empty else f" = {one.default!r}")


def _size(count: int) -> str:
    """With three digits, as models are named."""
    for unit, name in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= unit:
            value = count / unit
            return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f}{name}"
    return str(count)


def _count(number: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return words[number] if number < len(words) else str(number)
