"""One training example to read: the nearest one, until a point on the map is clicked."""

from __future__ import annotations

from collections.abc import Sequence

from composer.types import Neighbour
from composer.ui.markup import esc
from composer.ui.palette import family_of, title_of


def draw(neighbours: Sequence[Neighbour]) -> str:
    """The client script puts another example in its place."""
    if not neighbours:
        return ""
    nearest = neighbours[0]
    about = f"{title_of(nearest.task)} · similarity {nearest.similarity:.2f}"
    return (
        f'<section class="ac-reading fam-{family_of(nearest.task)}" aria-live="polite">'
        '<h3>The nearest example</h3><p class="ac-reading-head"><i aria-hidden="true"></i>'
        f"<b>{esc(nearest.task)}</b><span>{esc(about)}</span></p>"
        f'<p class="ac-reading-text" tabindex="0">{esc(nearest.text)}</p>'
        '<p class="ac-caption">Click a point on the map to read another.</p></section>'
    )
