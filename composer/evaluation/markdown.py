"""Tables and figures of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from composer.evaluation.statistics import Comparison, Interval

DASH = "–"
"""What stands for a figure that is not there."""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The first column is words and goes left, the others are numbers and go right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def words(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of words alone."""
    return "\n".join(f"| {' | '.join(line)} |" for line in [header, ["---"] * len(header), *rows])


def percent(share: float | None) -> str:
    return DASH if share is None else f"{100 * share:.1f}"


def with_interval(share: float | None, interval: Interval | None) -> str:
    """Such as "54.1 (51.9–56.3)", in per cent."""
    if share is None or interval is None:
        return percent(share)
    return f"{percent(share)} ({percent(interval.low)}–{percent(interval.high)})"


def p_value(p: float) -> str:
    return "p < .001" if p < 0.001 else f"p = {p:.3f}".replace("0.", ".", 1)


def points(share: float) -> str:
    """A difference of shares, in percentage points, with its sign."""
    text = f"{100 * share:+.1f}".replace("-", "−")
    return "0.0" if text[1:] == "0.0" else text


def difference(found: Comparison | None) -> str:
    """Such as "+2.3 (p = .004)"; a difference that may be chance stands in italics."""
    if found is None:
        return DASH
    text = f"{points(found.difference)} ({p_value(found.p)})"
    return f"*{text}*" if found.may_be_chance else text


def listed(parts: Sequence[str]) -> str:
    """Such as "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def paragraphs(*parts: str | None) -> str:
    return "\n\n".join(part for part in parts if part)
