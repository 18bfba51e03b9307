"""How it works: five steps, each with a picture, a sentence or two and its formula; then limits and links."""

from __future__ import annotations

from dataclasses import dataclass

from composer.pipeline import Composer
from composer.ui.markup import esc
from composer.ui.words.glossary import glossary

PAPER = "https://arxiv.org/abs/2602.21222"
PAPER_TITLE = "Task-Aware LoRA Adapter Composition via Similarity Retrieval in Vector Databases"


@dataclass(frozen=True)
class Step:
    title: str
    text: str
    formula: str
    picture: str
    """SVG shapes in a box of 240 x 64; `.fam-…` gives them a family's color."""


def how_it_works(composer: Composer) -> str:
    steps = "".join(
        f'<li><svg viewBox="0 0 240 64" aria-hidden="true">{step.picture}</svg><h3>{esc(step.title)}</h3>'
        f"<p>{esc(step.text)}</p><code>{esc(step.formula)}</code></li>"
        for step in STEPS
    )
    limits = "".join(f"<li>{esc(limit)}</li>" for limit in (composer.bank.description, *LIMITS) if limit)
    return (
        f'<ol class="ac-steps">{steps}</ol><h3 class="ac-limits-head">What to keep in mind</h3>'
        f'<ul class="ac-limits">{limits}</ul>{glossary()}'
        f'<p class="ac-links">The method: <a href="{PAPER}" target="_blank" rel="noopener noreferrer">{PAPER_TITLE}'
        "</a> (arXiv 2602.21222). This is an independent implementation.</p>"
    )


LIMITS = (
    "A lead compares the given options with each other. It is not the probability of being right.",
    "There are always nearest examples, also for a question that resembles none: read their similarities.",
    "What went into a merge is measured on its update, module by module; it is not guessed from the answers.",
    "With one task in the nucleus, all methods apply that one adapter and differ only in what they drop of it or even"
    " out.",
)


def _dot(x: float, y: float, family: str, radius: float = 5) -> str:
    return f'<circle class="fam-{family}" cx="{x}" cy="{y}" r="{radius}"/>'


def _bar(x: float, y: float, width: float, family: str, height: float = 11) -> str:
    return f'<rect class="fam-{family}" x="{x}" y="{y}" width="{width}" height="{height}" rx="3"/>'


def _rest(x: float, y: float, width: float, height: float = 11) -> str:
    return f'<rect class="ac-pic-rest" x="{x}" y="{y}" width="{width}" height="{height}" rx="3"/>'


def _lines(*paths: str) -> str:
    return f'<path class="ac-pic-line" d="{" ".join(paths)}"/>'


_STAR = '<path class="ac-pic-ink" d="M120 22l2.9 6.8 7.4.6-5.6 4.9 1.7 7.2-6.4-3.9-6.4 3.9 1.7-7.2-5.6-4.9 7.4-.6z"/>'
_SEARCH = (
    _lines("M120 33L90 18", "M120 33L84 44", "M120 33L152 17", "M120 33L146 50")
    + "".join(_dot(x, y, "commonsense") for x, y in ((90, 18), (84, 44), (64, 28), (52, 46)))
    + "".join(_dot(x, y, "paraphrase") for x, y in ((152, 17), (180, 26), (196, 12)))
    + "".join(_dot(x, y, "inference") for x, y in ((146, 50), (176, 50), (206, 44)))
    + _STAR
)
_WEIGH = (
    "".join(_dot(x, 13, "commonsense") for x in (20, 34, 48, 62, 76))
    + "".join(_dot(x, 33, "paraphrase") for x in (20, 34))
    + _dot(20, 53, "inference")
    + _lines("M96 13h18", "M96 33h18", "M96 53h18")
    + _bar(126, 7, 100, "commonsense")
    + _bar(126, 27, 40, "paraphrase")
    + _bar(126, 47, 20, "inference")
)
_CUT = (
    _bar(14, 22, 130, "commonsense", 22)
    + _bar(146, 22, 44, "paraphrase", 22)
    + _rest(192, 22, 34, 22)
    + '<path class="ac-pic-cut" d="M182 10v46"/>'
)
_MERGE = (
    '<g class="ac-pic-wires"><path class="fam-commonsense" d="M20 14h46c42 0 38 18 84 18"/>'
    '<path class="fam-paraphrase" d="M20 32h130"/><path class="fam-inference" d="M20 50h46c42 0 38-18 84-18"/></g>'
    '<path class="ac-pic-arrow" d="M150 32h62m-9-8 9 8-9 8"/>'
)
_SCORE = "".join(
    _rest(20, y, 200) + f'<rect class="ac-pic-{kind}" x="20" y="{y}" width="{width}" height="11" rx="3"/>'
    for y, width, kind in ((7, 52, "soft"), (27, 150, "ink"), (47, 24, "soft"))
)

STEPS = (
    Step(
        "Embed and search",
        "A frozen sentence encoder turns the question into 384 numbers. The nearest training examples are its"
        " neighbours.",
        "d = 1 − cos(question, example)",
        _SEARCH,
    ),
    Step(
        "Weigh the tasks",
        "Each neighbour votes for its task: the nearer, the more. A task's weight is its share of the votes.",
        "vote = 1 / (1 + d)\nw = votes of the task / all votes",
        _WEIGH,
    ),
    Step(
        "Cut the tail",
        "The heaviest tasks stay until together they reach top-p. Their weights are scaled up to 100 % again.",
        "fewest tasks with Σ w ≥ top-p",
        _CUT,
    ),
    Step(
        "Merge the adapters",
        "An adapter changes a weight matrix of the model by s B A, with s = alpha / rank. The kept adapters become one,"
        " in each of several ways. The model itself is never changed.",
        "Linear  A = Σ √(w s) A,  B = Σ √(w s) B\nConcat. B A = Σ w s B A, exactly\n"
        "TIES    trim, elect signs, average\nPrune   trim, then as Linear",
        _MERGE,
    ),
    Step(
        "Score the options",
        "The model reads the question under each merge. An option's score is its mean log-probability per token,"
        " unless Advanced says otherwise; a softmax makes the scores comparable. The order of the options changes"
        " nothing.",
        "score  = Σ log p(token | question) / tokens\nshares = softmax(scores)",
        _SCORE,
    ),
)
