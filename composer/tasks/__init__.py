"""The data sets: how a row becomes text, prompt, options and gold. One file per family."""

from __future__ import annotations

from composer.errors import TaskError, unknown
from composer.tasks import commonsense, inference, lexical, paraphrase, reading, sentiment
from composer.tasks.task import Example, HubData, Row, Task

__all__ = ["FAMILIES", "HELD_OUT", "TASKS", "TRAINED", "Example", "Row", "HubData", "Task", "find_task"]

TASKS: dict[str, Task] = {
    "commonsense_qa": commonsense.COMMONSENSE_QA,
    "piqa": commonsense.PIQA,
    "copa": commonsense.COPA,
    "cosmos_qa": commonsense.COSMOS_QA,
    "hellaswag": commonsense.HELLASWAG,
    "story_cloze": commonsense.STORY_CLOZE,
    "squad": reading.SQUAD,
    "boolq": reading.BOOLQ,
    "multirc": reading.MULTIRC,
    "openbookqa": reading.OPENBOOKQA,
    "record": reading.RECORD,
    "mnli": inference.MNLI,
    "rte": inference.RTE,
    "cb": inference.CB,
    "anli_r3": inference.ANLI_R3,
    "wnli": inference.WNLI,
    "mrpc": paraphrase.MRPC,
    "qqp": paraphrase.QQP,
    "paws": paraphrase.PAWS,
    "sst2": sentiment.SST2,
    "yelp": sentiment.YELP,
    "wic": lexical.WIC,
    "imdb": sentiment.IMDB,
    "mnli_mm": inference.MNLI_MM,
}

TRAINED: tuple[str, ...] = tuple(name for name, task in TASKS.items() if not task.held_out)
"""The tasks that have rows in an index and an adapter."""

HELD_OUT: tuple[str, ...] = tuple(name for name, task in TASKS.items() if task.held_out)
"""The tasks that are only evaluated."""

FAMILIES: dict[str, tuple[str, ...]] = {
    family: tuple(name for name in TRAINED if TASKS[name].family == family)
    for family in ("commonsense", "reading", "inference", "paraphrase", "sentiment", "lexical")
}
"""The trained tasks of each family, in the order of TASKS; a held-out task's family is `TASKS[name].family`."""


def find_task(name: str) -> Task:
    """The task of that name. Raises TaskError with the nearest name that exists."""
    if name not in TASKS:
        raise TaskError(unknown("task", name, TASKS))
    return TASKS[name]
