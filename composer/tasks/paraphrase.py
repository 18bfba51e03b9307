"""Paraphrase: do two sentences, or two questions, mean the same?"""

from __future__ import annotations

from composer.tasks.fields import Fields
from composer.tasks.task import HubData, Rendering, Task

FAMILY = "paraphrase"

# One pair of words for the three data sets, which name their labels differently but mean the same by 0 and 1: adapters
# that are merged then speak of one thing with one word.
LABELS = ("different", "equivalent")

_SENTENCES = ("sentence1", "sentence2", "label")


def _sentences(fields: Fields) -> Rendering:
    question = f"Sentence 1: {fields.text('sentence1')}\nSentence 2: {fields.text('sentence2')}"
    return Rendering(question, LABELS, fields.index("label", 2))


def _questions(fields: Fields) -> Rendering:
    question = f"Question 1: {fields.text('question1')}\nQuestion 2: {fields.text('question2')}"
    return Rendering(question, LABELS, fields.index("label", 2))


MRPC = Task(
    name="mrpc",
    title="MRPC",
    family=FAMILY,
    hint="Decide whether two sentences from the news report the same.",
    source=HubData("nyu-mll/glue", "mrpc", "train", "test", _SENTENCES),
    render=_sentences,
    harness="acc",  # mrpc, with F1 beside it
    labels=LABELS,
)
QQP = Task(
    name="qqp",
    title="QQP",
    family=FAMILY,
    hint="Decide whether two questions ask for the same thing.",
    source=HubData("nyu-mll/glue", "qqp", "train", "validation", ("question1", "question2", "label")),
    render=_questions,
    harness="acc",  # qqp, with F1 beside it
    labels=LABELS,
)
PAWS = Task(
    name="paws",
    title="PAWS",
    family=FAMILY,
    hint="Decide whether shuffling the words of a sentence changed its meaning.",
    source=HubData("google-research-datasets/paws", "labeled_final", "train", "test", _SENTENCES),
    render=_sentences,
    harness="acc",  # paws_en
    labels=LABELS,
)
