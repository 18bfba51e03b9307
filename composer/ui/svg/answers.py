"""What each candidate answers: a column for each, a bar per option."""

from __future__ import annotations

from composer.types import Query, Trace
from composer.ui.answers import Answer, answers_of
from composer.ui.markup import sentence
from composer.ui.options import short
from composer.ui.svg.shapes import FILL, INK, LINE, SOFT, box, cut, document, line, text
from composer.ui.words import sureness

COLUMN, GAP, ROW, HEAD = 200, 22, 44, 78
OPTION_CHARS = 27
CHOSEN, OTHER = "#15214A", "#9AA1B5"


def draw(trace: Trace) -> str:
    """In the page's order: base, references, and the merges behind a line."""
    methods = [p.method for p in trace.predictions[1:]] + [f.method for f in trace.failures]
    shown = [one for one in answers_of(trace, methods) if one.reply]
    places = [20 + i * (COLUMN + GAP) for i in range(len(shown))]
    columns = [_column(x, one, trace.query) for x, one in zip(places, shown, strict=True)]
    height = HEAD + ROW * len(trace.query.options) + 16
    first = next((x for x, one in zip(places, shown, strict=True) if one.is_merge), None)
    parting = [] if first is None else [line(first - GAP / 2, 44, first - GAP / 2, height - 16, stroke=LINE)]
    title = text(20, 28, cut(trace.query.text, 24 * len(shown)), bold=True, size=14)
    return document(20 + len(shown) * (COLUMN + GAP), height, "Answers", [title, *parting, *columns])


def _column(x: float, one: Answer, query: Query) -> str:
    head = text(x, 58, one.title, bold=True)
    if one.prediction is None:
        why = sentence(one.failure.message) if one.failure else ""
        return head + text(x, HEAD + 12, cut(f"No answer. {why}", OPTION_CHARS + 4), fill=SOFT, size=12)
    probabilities = one.prediction.probabilities
    columns = zip(short(query.options, OPTION_CHARS), probabilities, sureness.shown(probabilities), strict=True)
    return head + "".join(_option(x, i, *each, i == one.chosen) for i, each in enumerate(columns))


def _option(x: float, number: int, option: str, share: float, shown: str, chosen: bool) -> str:
    y = HEAD + number * ROW
    return (
        text(x, y + 12, option, fill=INK if chosen else SOFT, size=12, bold=chosen)
        + box(x, y + 19, COLUMN - 52, 8, FILL)
        + box(x, y + 19, (COLUMN - 52) * share, 8, CHOSEN if chosen else OTHER)
        + text(x + COLUMN - 4, y + 27, shown, anchor="end", fill=INK if chosen else SOFT, size=12)
    )
