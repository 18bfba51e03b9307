"""All answers as one grid: options down, candidates across, and beneath what it took and what can be saved of it."""

from __future__ import annotations

from collections.abc import Sequence

from composer.merging import METHODS
from composer.serialize import trace_to_json
from composer.types import Prediction, Trace
from composer.ui.answers import Answer, answers_of
from composer.ui.fold import kind_of, track
from composer.ui.inputs import Inputs, to_query_string
from composer.ui.markup import data, esc, milliseconds, sentence
from composer.ui.options import letter, short
from composer.ui.words import sureness
from composer.ui.words.glossary import explained

OPTION_CHARS = 110
RIGHT = '<em class="ac-right"><i aria-hidden="true">✓</i> right</em>'
LEGEND = (
    '<p class="ac-caption ac-grid-legend"><span><i class="ac-key ac-base"></i>what the base chose</span>'
    '<span><i class="ac-key ac-same"></i>the same, chosen by another</span>'
    '<span><i class="ac-key ac-flip"></i>another choice than the base’s</span></p>'
)


def draw(
    trace: Trace, inputs: Inputs, waiting: tuple[str, ...] = (), accuracy: str = "", gold: int | None = None
) -> str:
    """The section's content. Carries the inputs, with which the client script tells a stale result from a current
    one; the trace comes out with the last of the methods. `accuracy` is what was measured of such answers, in words."""
    whole = "" if waiting else f' data-link="{esc(to_query_string(inputs))}" data-trace="{data(trace_to_json(trace))}"'
    run = f' data-run="{data(inputs.by_name())}"' if trace.predictions or trace.failures else ""
    busy = ' aria-busy="true"' if waiting else ""
    answers = answers_of(trace, inputs.methods)
    rest = "" if waiting else f"{_time(trace.predictions)}{_failures(answers)}{_meanings(answers)}{_exports(trace)}"
    return (
        f'<div class="ac-answers"{run}{whole}{busy}>{_notes(trace)}{_accuracy(accuracy)}'
        f'<div class="ac-panel">{_table(trace, answers, gold)}{LEGEND}{rest}</div></div>'
    )


def invitation() -> str:
    return '<p class="ac-waiting">Press “Compare merges” to ask the merged models.</p>'


def _table(trace: Trace, answers: Sequence[Answer], gold: int | None) -> str:
    first = next((one for one in answers if one.is_merge), None)
    heads = "".join(_head(one, first=one is first) for one in answers)
    texts = short(trace.query.options, OPTION_CHARS)
    rows = "".join(
        f'<tr role="row">{_option(number, text, trace.query.options[number], gold)}'
        f"{''.join(_cell(one, answers[0], number, first=one is first) for one in answers)}</tr>"
        for number, text in enumerate(texts)
    )
    sizes = {one.method: f"{one.norm_ratio:.2f}" for one in trace.contributions}
    feet = _foot(explained("Lead", "lead"), [_lead(one) for one in answers])
    feet += _foot(explained("Size of the update", "size"), [sizes.get(one.name, "") for one in answers], "ac-sizes")
    shape = f"--columns:{len(answers)};--rows:{len(answers) + 1};--options:{len(texts)}"
    # the roles are said, as the stylesheet turns the table round where it is narrow, and so takes them away
    return (
        '<div class="ac-scroll" tabindex="0" role="region" aria-label="Every option under every candidate">'
        f'<table class="ac-grid" role="table" style="{shape}">'
        f'<thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">Option</th>{heads}</tr></thead>'
        f'<tbody role="rowgroup">{rows}</tbody><tfoot role="rowgroup">{feet}</tfoot></table>'
        f"</div>{_key(trace.query.options, texts, gold)}"
    )


def _foot(head: str, values: Sequence[str], kind: str = "") -> str:
    cells = "".join(f'<td role="cell">{value}</td>' for value in values)
    return f'<tr role="row" class="{kind}"><th scope="row" role="rowheader">{head}</th>{cells}</tr>'


def _key(options: tuple[str, ...], texts: tuple[str, ...], gold: int | None) -> str:
    """The options whole, where the grid has room for their letters only."""
    rows = "".join(
        f'<li title="{esc(option)}"><i class="ac-letter">{letter(i)}</i><span class="ac-option">{esc(text)}</span>'
        f"{RIGHT if i == gold else ''}</li>"
        for i, (option, text) in enumerate(zip(options, texts, strict=True))
    )
    return f'<ul class="ac-option-key" aria-hidden="true">{rows}</ul>'


def _head(one: Answer, *, first: bool) -> str:
    under = f"<small>{esc(one.task)}</small>" if one.name == "top1" else ""
    return (
        f'<th scope="col" role="columnheader" class="{_side(first=first)}" data-candidate="{esc(one.name)}">'
        f'<span data-hint="{esc(one.meaning)}">{esc(one.title)}</span>{under}</th>'
    )


def _option(number: int, text: str, whole: str, gold: int | None) -> str:
    return (
        f'<th scope="row" role="rowheader"><div><i class="ac-letter">{letter(number)}</i>'
        f'<span class="ac-option" title="{esc(whole)}">{esc(text)}</span>{RIGHT if number == gold else ""}</div></th>'
    )


def _cell(one: Answer, base: Answer, number: int, *, first: bool) -> str:
    side = _side(first=first)
    if one.failure:
        return f'<td role="cell" class="{side}">–</td>'
    if one.prediction is None:
        return f'<td role="cell" class="{side}"><div class="ac-skeleton-bar"></div></td>'
    is_chosen = one.chosen == number
    kind = f" ac-chosen {kind_of(one, base)}" if is_chosen else ""
    mark = f' data-method="{esc(one.name)}" data-chosen="{number}"' if is_chosen else ""
    unlike = " unlike the base" if kind.endswith("flip") else ""
    heard = f'<span class="ac-unseen">chosen{unlike}: </span>' if is_chosen else ""
    share = sureness.shown(one.prediction.probabilities)[number]
    return (
        f'<td role="cell" class="{side}{kind}"{mark}><div>{heard}<b>{share}</b>'
        f"{track(one.prediction.probabilities[number])}</div></td>"
    )


def _side(*, first: bool) -> str:
    """Where the merges begin, a line parts them from what they are compared with."""
    return "ac-first-merge" if first else ""


def _lead(one: Answer) -> str:
    if one.prediction is None:
        return "–" if one.failure else ""
    return sureness.lead(one.prediction.probabilities)


def _time(predictions: Sequence[Prediction]) -> str:
    """Once: models that answer in one pass share its time equally."""
    if not predictions:
        return ""
    total, joint = sum(p.milliseconds for p in predictions), len({p.milliseconds for p in predictions}) == 1
    words = "in one joint pass" if joint and len(predictions) > 1 else "one after another"
    return f'<p class="ac-caption">Base and merges answered in {milliseconds(total)}, {words}.</p>'


def _meanings(answers: Sequence[Answer]) -> str:
    rows = "".join(f"<dt>{esc(one.title)}</dt><dd>{esc(one.meaning)}</dd>" for one in answers)
    return f'<details class="ac-words"><summary>What each of them is</summary><dl>{rows}</dl></details>'


def _failures(answers: Sequence[Answer]) -> str:
    return "".join(
        f'<p class="ac-failure" role="alert" data-method="{esc(one.name)}"><b>{esc(one.title)}</b>: no answer.'
        f" {esc(sentence(one.failure.message))}</p>"
        for one in answers
        if one.failure
    )


def _exports(trace: Trace) -> str:
    merges = "".join(_save_adapter(p.method) for p in trace.predictions if p.method in METHODS)
    return (
        '<div class="ac-exports"><span>Save</span>'
        '<button type="button" data-export="json">this run (JSON)</button>'
        '<button type="button" data-export="csv">its neighbours (CSV)</button>'
        '<button type="button" data-make="answers">the answers (SVG)</button></div>'
        + (f'<div class="ac-exports"><span>Save the adapter merged by</span>{merges}</div>' if merges else "")
    )


def _save_adapter(method: str) -> str:
    title = esc(METHODS[method].title)
    return (
        f'<button type="button" data-make="{esc(method)}" aria-label="Save the adapter merged by {title}"'
        f' data-hint="This merge as a LoRA adapter in PEFT\'s format, zipped">{title}</button>'
    )


def _notes(trace: Trace) -> str:
    return "".join(f'<p class="ac-note">{esc(note)}</p>' for note in trace.notes)


def _accuracy(words: str) -> str:
    return f'<p class="ac-accuracy">{esc(words)} <a href="#ac-results">All results</a></p>' if words else ""
