"""Inference: does one text follow from another? The data sets order their labels differently; each keeps its own."""

from __future__ import annotations

from collections.abc import Callable

from composer.tasks.fields import Fields
from composer.tasks.task import HubData, Rendering, Task

FAMILY = "inference"

MNLI_LABELS = ("entailment", "neutral", "contradiction")
CB_LABELS = ("entailment", "contradiction", "neutral")
RTE_LABELS = ("entailment", "not entailment")
WNLI_LABELS = ("not entailment", "entailment")

_PAIR = ("premise", "hypothesis", "label")


def _entailment(
    labels: tuple[str, ...], columns: tuple[str, str] = ("premise", "hypothesis")
) -> Callable[[Fields], Rendering]:
    def render(fields: Fields) -> Rendering:
        question = f"Premise: {fields.text(columns[0])}\nHypothesis: {fields.text(columns[1])}"
        return Rendering(question, labels, fields.index("label", len(labels)))

    return render


MNLI = Task(
    name="mnli",
    title="MNLI",
    family=FAMILY,
    hint="Judge how the hypothesis relates to a premise from speech or writing of any genre.",
    source=HubData("nyu-mll/glue", "mnli", "train", "validation_matched", _PAIR),
    render=_entailment(MNLI_LABELS),
    harness="acc",  # mnli
    labels=MNLI_LABELS,
)
RTE = Task(
    name="rte",
    title="RTE",
    family=FAMILY,
    hint="Decide whether the statement follows from the news text.",
    source=HubData("aps/super_glue", "rte", "train", "validation", _PAIR),
    render=_entailment(RTE_LABELS),
    harness="acc",  # rte, and sglue_rte
    labels=RTE_LABELS,
)
CB = Task(
    name="cb",
    title="CB",
    family=FAMILY,
    hint="Premise and hypothesis: is the speaker committed to that?",
    source=HubData("aps/super_glue", "cb", "train", "validation", _PAIR),
    render=_entailment(CB_LABELS),
    harness="acc",  # cb, with F1 beside it
    labels=CB_LABELS,
)
ANLI_R3 = Task(
    name="anli_r3",
    title="ANLI R3",
    family=FAMILY,
    hint="Judge a tricky hypothesis that was written to fool a machine.",
    source=HubData("facebook/anli", None, "train_r3", "test_r3", _PAIR),
    render=_entailment(MNLI_LABELS),
    harness="acc",  # anli_r3
    labels=MNLI_LABELS,
)
WNLI = Task(
    name="wnli",
    title="WNLI",
    family=FAMILY,
    hint="Premise with a pronoun. Hypothesis with a name in its place.",
    source=HubData("nyu-mll/glue", "wnli", "train", "validation", ("sentence1", "sentence2", "label")),
    render=_entailment(WNLI_LABELS, ("sentence1", "sentence2")),
    harness="acc",  # wnli
    labels=WNLI_LABELS,
)
MNLI_MM = Task(
    name="mnli_mm",
    title="MNLI-mm",
    family=FAMILY,
    hint="Judge how the hypothesis relates to a premise from speech or writing of a new genre.",
    # The training rows are mnli's own: only the genres of the test rows differ.
    source=HubData("nyu-mll/glue", "mnli", "train", "validation_mismatched", _PAIR),
    render=_entailment(MNLI_LABELS),
    harness="acc",  # mnli_mismatch
    labels=MNLI_LABELS,
    held_out=True,
)
