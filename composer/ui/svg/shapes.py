"""What the files are made of. Every text is escaped, and loses what XML cannot hold."""

from __future__ import annotations

import re

from composer.ui.markup import esc
from composer.ui.palette import LIGHT, OTHER, family_of

INK, SOFT, LINE, FILL = "#111A2E", "#56607A", "#C3CADB", "#E4E8F2"
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def document(width: float, height: float, title: str, parts: list[str]) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}"'
        f' viewBox="0 0 {width:g} {height:g}" font-family="IBM Plex Sans, system-ui, sans-serif" font-size="13">'
        f'<title>{plain(title)}</title><rect width="100%" height="100%" fill="#FFFFFF"/>{"".join(parts)}</svg>\n'
    )


HEAD = 34
"""Height of the line that `headed` puts above a chart."""


def headed(width: float, height: float, title: str, question: str, parts: list[str]) -> str:
    """A document whose chart stands below the question that it is of."""
    head = text(20, 23, cut(question, int(width / 8)), bold=True, size=14)
    return document(width, height + HEAD, title, [head, f'<g transform="translate(0 {HEAD})">', *parts, "</g>"])


def text(
    x: float, y: float, words: str, *, anchor: str = "start", fill: str = INK, size: float = 13, bold: bool = False
) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}" font-size="{size:g}"{weight}>'
        f"{plain(words)}</text>"
    )


def box(x: float, y: float, width: float, height: float, fill: str, *, opacity: float = 1, stroke: str = "") -> str:
    edge = f' stroke="{stroke}"' if stroke else ""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{height:.1f}" rx="3" fill="{fill}"'
        f' fill-opacity="{opacity:.2f}"{edge}/>'
    )


def line(x1: float, y1: float, x2: float, y2: float, *, dash: str = "", stroke: str = INK, opacity: float = 1) -> str:
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}"'
        f' stroke-opacity="{opacity:.2f}"{dashes}/>'
    )


def plain(words: str) -> str:
    return esc(_NOT_IN_XML.sub(" ", words))


def cut(words: str, limit: int) -> str:
    words = " ".join(words.split())
    return words if len(words) <= limit else words[: limit - 1].rstrip() + "…"


def color_of(task: str) -> str:
    return LIGHT.get(family_of(task), OTHER[0])
