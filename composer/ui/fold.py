"""What stands above the fold: the question, the finding in a sentence, and a small answer for each candidate."""

from __future__ import annotations

from composer.lineup import BASE
from composer.types import Query
from composer.ui.answers import Answer, answers_of
from composer.ui.markup import esc, sentence
from composer.ui.options import letter, short
from composer.ui.running import Run
from composer.ui.words import sureness
from composer.ui.words.finding import beside, finding, progress

LEFT_OUT = ("uniform",)
"""References that only the grid shows, and the sentences."""
SHORT = {BASE: "Base"}
OPTION_CHARS = 34
MORE = '<p class="ac-more"><a href="#ac-answers">All shares</a> <a href="#ac-heat">What went into each merge</a></p>'
ASK = (
    '<button type="button" class="ac-ask" data-ask aria-expanded="false" aria-controls="ac-rail">'
    "Ask your own question</button>"
)


def draw(run: Run, gold: int | None = None) -> str:
    """With what has been answered so far. `gold` is the right option's index, where it is known."""
    trace, methods = run.trace, run.inputs.methods
    if not run.answered or run.waiting:
        words, aside = progress(trace, methods), ""
    else:
        words, aside = finding(trace, methods, gold), beside(trace, methods, gold)
    return _around(trace.query, words, aside, _minis(run, gold), waiting=not run.answered or bool(run.waiting))


def invitation(run: Run) -> str:
    """Where a question has neighbours, and nobody has asked the models yet."""
    words = "Press “Compare merges” to ask the base model and the merges."
    return _around(run.trace.query, words, "", "", kind=" ac-invite")


def _around(query: Query, words: str, aside: str, minis: str, *, waiting: bool = False, kind: str = "") -> str:
    beneath = f'<p class="ac-beside">{esc(aside)}</p>' if aside else ""
    state = f'{kind} ac-thinking" aria-busy="true"' if waiting else f'{kind}"'
    asked = f'<p class="ac-question" title="{esc(query.text)}">{esc(query.text)}</p>'
    found = f'<div class="ac-found" role="status"><h2>{esc(words)}</h2>{beneath}</div>'
    return (
        f'<section class="ac-finding{state}><div class="ac-finding-head">{asked}{MORE if minis else ""}</div>'
        f"{found}{minis}{'' if kind else ASK}</section>"
    )


def _minis(run: Run, gold: int | None) -> str:
    base, *others = answers_of(run.trace, run.inputs.methods)
    texts = short(run.trace.query.options, OPTION_CHARS)
    rows = (_mini(one, base, run.trace.query, texts, gold) for one in (base, *others) if one.name not in LEFT_OUT)
    return f'<ul class="ac-minis">{"".join(rows)}</ul>'


def _mini(one: Answer, base: Answer, query: Query, texts: tuple[str, ...], gold: int | None) -> str:
    name = f'<span class="ac-mini-name" data-hint="{esc(one.meaning)}">{esc(SHORT.get(one.name, one.title))}</span>'
    if one.failure:
        return (
            f'<li class="ac-mini ac-failed" data-candidate="{esc(one.name)}">{name}<b class="ac-mini-answer"'
            f' title="{esc(sentence(one.failure.message))}">No answer</b></li>'
        )
    if one.prediction is None:
        bar = '<span class="ac-mini-answer ac-skeleton" aria-hidden="true"><i class="ac-skeleton-bar"></i></span>'
        return f'<li class="ac-mini" data-candidate="{esc(one.name)}">{name}{bar}</li>'
    shares = sureness.shown(one.prediction.probabilities)
    if one.chosen is None:
        return (
            f'<li class="ac-mini" data-candidate="{esc(one.name)}">{name}<b class="ac-mini-answer">A tie</b>'
            f'<span class="ac-mini-sure">{shares[one.prediction.chosen]} each</span></li>'
        )
    return (
        f'<li class="ac-mini {kind_of(one, base)}" data-candidate="{esc(one.name)}" data-chosen="{one.chosen}">{name}'
        f'<b class="ac-mini-answer" title="{esc(query.options[one.chosen])}"><i class="ac-letter">'
        f"{letter(one.chosen)}</i><span>{esc(texts[one.chosen])}</span></b>"
        f'<span class="ac-mini-sure">{track(one.prediction.probabilities[one.chosen])}<span>{shares[one.chosen]}</span>'
        f"{_mark(one.chosen, gold)}</span></li>"
    )


def kind_of(one: Answer, base: Answer) -> str:
    """Whether it says what the base says. Without an answer of the base nobody differs from it."""
    if one.name == base.name:
        return "ac-base"
    return "ac-flip" if base.chosen is not None and one.chosen != base.chosen else "ac-same"


def track(share: float) -> str:
    return f'<span class="ac-track" aria-hidden="true"><i style="width:{share * 100:.2f}%"></i></span>'


def _mark(chosen: int, gold: int | None) -> str:
    if gold is None:
        return ""
    word, sign = ("right", "✓") if chosen == gold else ("wrong", "✗")
    return f'<em class="ac-{word}"><i aria-hidden="true">{sign}</i><span class="ac-unseen">{word}</span></em>'
