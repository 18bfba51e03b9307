"""Sentiment: what a review thinks of a film or of a business."""

from __future__ import annotations

import re

from composer.tasks.fields import Fields, one_line
from composer.tasks.task import HubData, Rendering, Task
from composer.types import MAX_QUESTION_CHARS

FAMILY = "sentiment"

LABELS = ("negative", "positive")
STAR_LABELS = ("very negative", "negative", "neutral", "positive", "very positive")

_LEAD = "Review: "
# The dots of initials ("U.S.") and titles ("Mr.") end no sentence.
_SENTENCE_END = re.compile(r"(?<!\b[A-Z])(?<!\b[DM]r)(?<!\bMrs)[.!?][\"')]*(?= )")


def _sst2(fields: Fields) -> Rendering:
    return Rendering(_review(fields.text("sentence")), LABELS, fields.index("label", 2))


def _imdb(fields: Fields) -> Rendering:
    return Rendering(_review(fields.text("text")), LABELS, fields.index("label", 2))


def _yelp(fields: Fields) -> Rendering:
    # The published files escape line breaks and quotes with a backslash inside of the text.
    text = one_line(fields.text("text").replace("\\n", " ").replace('\\"', '"'))
    return Rendering(_review(text), STAR_LABELS, fields.index("label", 5))


def _review(text: str) -> str:
    return _LEAD + cut_at_sentence(text, MAX_QUESTION_CHARS - len(_LEAD))


def cut_at_sentence(text: str, limit: int) -> str:
    """The whole text if it fits the limit; else up to the last sentence that ends within it, or failing that the last
    word. A review is its own question, so what is over the limit of a question is left out."""
    if len(text) <= limit:
        return text
    ends = [match.end() for match in _SENTENCE_END.finditer(text, 0, limit + 1)]
    return text[: ends[-1]] if ends else text[:limit].rsplit(" ", 1)[0]


SST2 = Task(
    name="sst2",
    title="SST-2",
    family=FAMILY,
    hint="Tell the mood of a phrase about a film.",
    source=HubData("nyu-mll/glue", "sst2", "train", "validation", ("sentence", "label")),
    render=_sst2,
    harness="acc",  # sst2
    labels=LABELS,
)
YELP = Task(
    name="yelp",
    title="Yelp",
    family=FAMILY,
    hint="Tell how content the customer of a business is.",
    source=HubData("Yelp/yelp_review_full", None, "train", "test", ("text", "label")),
    render=_yelp,
    harness="acc",  # not among its tasks
    labels=STAR_LABELS,
)
IMDB = Task(
    name="imdb",
    title="IMDB",
    family=FAMILY,
    hint="Tell the mood of a whole film review.",
    source=HubData("stanfordnlp/imdb", None, "train", "test", ("text", "label")),
    render=_imdb,
    harness="acc",  # not among its tasks
    labels=LABELS,
    held_out=True,
)
