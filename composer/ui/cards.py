"""What each merge answers: the agreement strip, one card per method, and the rows to compare them with."""

from __future__ import annotations

from collections import defaultdict

from composer.lineup import BASE, LINEUP
from composer.merging import METHODS
from composer.serialize import trace_to_json
from composer.types import Failure, Prediction, Query, Trace
from composer.ui.inputs import Inputs, to_query_string
from composer.ui.markup import data, esc, milliseconds, sentence, shortened, whole_percent
from composer.ui.options import letter, telling
from composer.ui.words.glossary import explained

NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight")
EXPORTS = (
    '<div class="ac-exports"><span>Save</span>'
    '<button type="button" data-export="json">this run (JSON)</button>'
    '<button type="button" data-export="csv">its neighbours (CSV)</button>'
    '<button type="button" data-make="answers">the answers (SVG)</button></div>'
)


def draw(trace: Trace, inputs: Inputs, waiting: tuple[str, ...] = (), accuracy: str = "") -> str:
    """The section's content. Carries the inputs, with which the client script tells a stale result from a current
    one. Methods that are `waiting` show that they are thinking; the trace comes out with the last of them. `accuracy`
    is what was measured of such answers, in words."""
    failed = {failure.method: failure.message for failure in trace.failures}
    answered = {p.method: p for p in trace.predictions}
    cards = "".join(
        _card(answered[method], trace.query)
        if method in answered
        else waiting_card(method)
        if method in waiting
        else _failed_card(method, failed.get(method, ""))
        for method in inputs.methods
    )
    head = _progress(trace, inputs.methods, waiting) if waiting else agreement_strip(trace, inputs.methods)
    whole = "" if waiting else f' data-link="{esc(to_query_string(inputs))}" data-trace="{data(trace_to_json(trace))}"'
    return (
        f'<div class="ac-answers" data-run="{data(inputs.by_name())}"{whole}{_busy(waiting)}>{head}{_notes(trace)}'
        f"{_accuracy(accuracy)}"
        f'<div class="ac-cards">{cards}</div>{_references(trace)}{"" if waiting else EXPORTS}</div>'
    )


def skeleton(methods: tuple[str, ...]) -> str:
    """What stands there while the models think."""
    cards = "".join(waiting_card(method) for method in methods)
    return (
        f'<div class="ac-answers"{_busy(methods)}><p class="ac-waiting" role="status">Asking the merged models …</p>'
        f'<div class="ac-cards">{cards}</div></div>'
    )


def invitation() -> str:
    return '<p class="ac-waiting">Press “Compare merges” to ask the merged models.</p>'


def waiting_card(method: str) -> str:
    bars = '<div class="ac-skeleton-bar"></div>' * 4
    return (
        f'<article class="ac-card ac-skeleton" aria-busy="true"><header><h3>{esc(METHODS[method].title)}</h3></header>'
        f'<p class="ac-sentence">{esc(METHODS[method].sentence)}</p><div aria-hidden="true">{bars}</div></article>'
    )


def _busy(waiting: tuple[str, ...]) -> str:
    return ' aria-busy="true"' if waiting else ""


def _progress(trace: Trace, methods: tuple[str, ...], waiting: tuple[str, ...]) -> str:
    done = len(methods) - len(waiting)
    return f'<p class="ac-waiting" role="status">{_number(done)} of {_number(len(methods)).lower()} are done …</p>'


def groups(trace: Trace, methods: tuple[str, ...]) -> list[tuple[int, tuple[str, ...]]]:
    """(option, the methods that chose it), the largest group first, then in the order of the options."""
    chosen: dict[int, list[str]] = defaultdict(list)
    for prediction in trace.predictions:
        if prediction.method in methods:
            chosen[prediction.chosen].append(prediction.method)
    return sorted(((option, tuple(names)) for option, names in chosen.items()), key=lambda g: (-len(g[1]), g[0]))


def verdict(trace: Trace, methods: tuple[str, ...]) -> str:
    """The agreement in words."""
    found = groups(trace, methods)
    total = sum(len(names) for _, names in found)
    if not found:
        return "No method answered"
    most = len(found[0][1])
    if total == 1:
        return "One method answered"
    if most == total:
        return "Both agree" if total == 2 else f"All {_number(total).lower()} agree"
    if most == 1:
        return "They all disagree"
    if len(found) > 1 and len(found[1][1]) == most:
        return "They are split"
    return f"{_number(most)} of {_number(total).lower()} agree"


def agreement_strip(trace: Trace, methods: tuple[str, ...]) -> str:
    """Every option with its votes, those without any last. Here options stand whole, with the letters of the cards."""
    found = groups(trace, methods)
    total = sum(len(names) for _, names in found)
    voted = {option for option, _ in found}
    chips = [_vote(trace.query, option, names, total) for option, names in found]
    chips += [_vote(trace.query, i, (), total) for i in range(len(trace.query.options)) if i not in voted]
    return f'<div class="ac-agreement"><h3>{esc(verdict(trace, methods))}</h3><ul>{"".join(chips)}</ul></div>'


def _vote(query: Query, option: int, names: tuple[str, ...], total: int) -> str:
    text = query.options[option]
    count = f"<b>{len(names)}/{total}</b>" if names else ""
    who = ", ".join(METHODS[name].title for name in names) or "no vote"
    return (
        f'<li class="ac-vote{"" if names else " ac-vote-none"}">{_letter(option)}'
        f'<strong title="{esc(text)}">{esc(shortened(text, 90))}</strong>{count}<span>{esc(who)}</span></li>'
    )


def _letter(option: int) -> str:
    return f'<i class="ac-letter">{letter(option)}</i>'


def _number(count: int) -> str:
    return NUMBERS[count] if count < len(NUMBERS) else str(count)


def _notes(trace: Trace) -> str:
    return "".join(f'<p class="ac-note">{esc(note)}</p>' for note in trace.notes)


def _accuracy(words: str) -> str:
    return f'<p class="ac-accuracy">{esc(words)} <a href="#ac-results">All results</a></p>' if words else ""


def _card(prediction: Prediction, query: Query) -> str:
    method = METHODS[prediction.method]
    answer = query.options[prediction.chosen]
    return (
        f'<article class="ac-card" data-method="{esc(prediction.method)}" data-chosen="{prediction.chosen}">'
        f'<header><h3>{esc(method.title)}</h3><span class="ac-ms">'
        f"{explained(milliseconds(prediction.milliseconds), 'time', stop=False)}</span></header>"
        f'<p class="ac-sentence">{esc(method.sentence)}</p>'
        f'<p class="ac-answer" title="{esc(answer)}">{esc(answer)}</p>'
        f"{_option_bars(prediction, query)}"
        f'<p class="ac-margin">{explained("Ahead by", "lead", stop=False)} <b>{_points(prediction.margin)}</b></p>'
        f"{_save_adapter(prediction.method)}</article>"
    )


def _points(margin: float) -> str:
    points = round(margin * 100)
    return "under 1 point" if margin < 0.005 else f"{points} point{'' if points == 1 else 's'}"


def _save_adapter(method: str) -> str:
    return (
        f'<button type="button" class="ac-save" data-make="{esc(method)}"'
        f' aria-label="Save the adapter merged by {esc(METHODS[method].title)}"'
        ' data-hint="This merge as a LoRA adapter in PEFT\'s format, zipped">Save this adapter</button>'
    )


def _option_bars(prediction: Prediction, query: Query) -> str:
    shares = zip(telling(query.options), prediction.probabilities, strict=True)
    rows = "".join(
        f'<li class="{"ac-chosen" if number == prediction.chosen else ""}">{_letter(number)}'
        f'<span class="ac-option" title="{esc(query.options[number])}">{esc(words)}</span>'
        f"<b>{whole_percent(probability)}</b>{_track(probability)}</li>"
        for number, (words, probability) in enumerate(shares)
    )
    return f'<ul class="ac-options">{rows}</ul>'


def _track(share: float) -> str:
    return f'<span class="ac-track" aria-hidden="true"><i style="width:{share * 100:.2f}%"></i></span>'


def _failed_card(method: str, message: str) -> str:
    title = METHODS[method].title if method in METHODS else method
    return (
        f'<article class="ac-card ac-failed" data-method="{esc(method)}"><header><h3>{esc(title)}</h3></header>'
        f'<p class="ac-answer">No answer</p><p class="ac-failure" role="alert">{esc(sentence(message))}</p></article>'
    )


def _references(trace: Trace) -> str:
    rows = [_reference_row(one, trace) for one in (trace.answer(BASE), *trace.references) if one]
    return (
        '<section class="ac-references" aria-label="For comparison"><h3>For comparison</h3>'
        f"<ul>{''.join(rows)}</ul></section>"
    )


def _reference_row(reference: Prediction | Failure, trace: Trace) -> str:
    candidate = LINEUP[reference.method]
    meaning = candidate.meaning.format(task=trace.weights.heaviest)
    head = f'<span class="ac-ref-name"><strong>{esc(candidate.title)}</strong><small>{esc(meaning)}</small></span>'
    if isinstance(reference, Failure):
        return f'<li>{head}<span class="ac-failure">{esc(sentence(reference.message))}</span></li>'
    option = trace.query.options[reference.chosen]
    probability = reference.probabilities[reference.chosen]
    return (
        f'<li data-reference="{esc(reference.method)}" data-chosen="{reference.chosen}">{head}'
        f'<span class="ac-ref-answer" title="{esc(option)}">{_letter(reference.chosen)}{esc(option)}</span>'
        f"{_track(probability)}<b>{whole_percent(probability)}</b></li>"
    )
