"""Lexical: what a single word means where it stands."""

from __future__ import annotations

from composer.tasks.fields import Fields
from composer.tasks.task import HubData, Rendering, Task

FAMILY = "lexical"

LABELS = ("different", "same")


def _wic(fields: Fields) -> Rendering:
    lines = (
        f"Word: {fields.text('word')}",
        f"Sentence 1: {fields.text('sentence1')}",
        f"Sentence 2: {fields.text('sentence2')}",
    )
    return Rendering("\n".join(lines), LABELS, fields.index("label", 2))


WIC = Task(
    name="wic",
    title="WiC",
    family=FAMILY,
    hint="Decide whether the word keeps its sense from one sentence to the next.",
    source=HubData("aps/super_glue", "wic", "train", "validation", ("word", "sentence1", "sentence2", "label")),
    render=_wic,
    harness="acc",  # wic
    labels=LABELS,
)
