"""What each merge answers: a column per method, a bar per option."""

from __future__ import annotations

from composer.lineup import BASE, LINEUP
from composer.types import Prediction, Query, Trace
from composer.ui.markup import whole_percent
from composer.ui.svg.shapes import FILL, INK, SOFT, box, cut, document, text

COLUMN, GAP, ROW, HEAD = 230, 22, 44, 78
CHOSEN, OTHER = "#15214A", "#9AA1B5"


def draw(trace: Trace) -> str:
    shown = [p for p in trace.predictions if p.method != BASE] + [p for p in trace.predictions if p.method == BASE]
    width = 20 + len(shown) * (COLUMN + GAP)
    columns = [_column(20 + i * (COLUMN + GAP), p, trace.query) for i, p in enumerate(shown)]
    title = text(20, 28, cut(trace.query.text, 28 * len(shown)), bold=True, size=14)
    return document(width, HEAD + ROW * len(trace.query.options) + 16, "Answers", [title, *columns])


def _column(x: float, prediction: Prediction, query: Query) -> str:
    options = enumerate(zip(query.options, prediction.probabilities, strict=True))
    rows = [_option(x, i, option, share, i == prediction.chosen) for i, (option, share) in options]
    return text(x, 58, LINEUP[prediction.method].title, bold=True) + "".join(rows)


def _option(x: float, number: int, option: str, share: float, chosen: bool) -> str:
    y = HEAD + number * ROW
    return (
        text(x, y + 12, cut(option, 30), fill=INK if chosen else SOFT, size=12, bold=chosen)
        + box(x, y + 19, COLUMN - 52, 8, FILL)
        + box(x, y + 19, (COLUMN - 52) * share, 8, CHOSEN if chosen else OTHER)
        + text(x + COLUMN - 4, y + 27, whole_percent(share), anchor="end", fill=INK if chosen else SOFT, size=12)
    )
