"""The page's standing text: header, section heads, how it works."""

from __future__ import annotations

from typing import Any

from composer.pipeline import Composer
from composer.ui.markup import data, esc

LOGO = (
    '<svg class="ac-logo" viewBox="0 0 40 40" width="40" height="40" aria-hidden="true">'
    '<g fill="none" stroke-width="3.4" stroke-linecap="round">'
    '<path class="l1" d="M5 8h6c9 0 8 12 17 12h7"/><path class="l2" d="M5 16h6c6 0 8 4 14 4h10"/>'
    '<path class="l3" d="M5 24h6c6 0 8-4 14-4h10"/><path class="l4" d="M5 32h6c9 0 8-12 17-12h7"/></g></svg>'
)


def header(composer: Composer) -> str:
    tasks, methods = len(composer.bank.tasks), len(composer.default_settings().methods)
    return (
        f'<header class="ac-head"><div class="ac-brand">{LOGO}<div><h1>Adapter Composer</h1>'
        f"<p>See which of {tasks} tasks your question resembles, and what"
        f" {_count(methods)} ways of merging their LoRA adapters answer.</p>"
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


STEPS = (
    (
        "Embed and search",
        "A frozen sentence encoder turns the question into 384 numbers."
        " The nearest training examples are its neighbours.",
        "d = 1 − cos(question, example)",
    ),
    (
        "Weigh the tasks",
        "Each neighbour votes for its task, the nearer the more. The votes, as shares, are the task weights.",
        "s = 1 / (1 + d)\nw(task) = Σ s of its neighbours / Σ s",
    ),
    (
        "Cut the tail",
        "The heaviest tasks are kept until their shares reach top-p. Their weights are scaled to 100 % again.",
        "keep the fewest tasks with Σ w ≥ p",
    ),
    (
        "Merge the adapters",
        "The kept tasks' adapters become one, in each of several ways. The base model itself is never changed.",
        "linear  A = Σ √(w s) A, B = Σ √(w s) B\ncat     ΔW = Σ w s B"
        " A, exactly\nTIES    trim, elect signs, average\nprune   trim, then as linear",
    ),
    (
        "Score the options",
        "Every option's log-probability after the question, per token. A softmax makes them comparable.",
        "score = log p(option | question) / tokens",
    ),
)


def how_it_works(composer: Composer) -> str:
    steps = "".join(
        f"<li><h3>{esc(title)}</h3><p>{esc(text)}</p><code>{esc(formula)}</code></li>" for title, text, formula in STEPS
    )
    limits = (
        composer.bank.description,
        "A lead is a comparison among the given options, not a probability of being right.",
        "Some neighbours are always found, also for a question that resembles nothing: read their similarities.",
        "Off-span share and size are measured on the adapters' updates themselves, not guessed from the answers.",
    )
    listed = "".join(f"<li>{esc(limit)}</li>" for limit in limits if limit)
    return f'<ol class="ac-steps">{steps}</ol><ul class="ac-limits">{listed}</ul>'


def api_snippet(url: str) -> str:
    code = (
        "from gradio_client import Client\n\n"
        f'run = Client("{url}").predict(\n'
        '    question="Where can I buy a tennis ball?",\n'
        '    options=["a sports store", "a bakery"],\n'
        '    api_name="/compare",\n)\n'
        'print(run["weights"]["kept"], run["predictions"]["cat"]["chosen"])'
    )
    return f'<pre class="ac-api" tabindex="0" aria-label="Example of the API"><code>{esc(code)}</code></pre>'


def _size(count: int) -> str:
    for unit, name in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= unit:
            return f"{count / unit:.1f}{name}"
    return str(count)


def _count(number: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return words[number] if number < len(words) else str(number)
