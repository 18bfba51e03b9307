"""What a task is: where its rows come from, and how one row becomes one example."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from composer.errors import QueryError, TaskError
from composer.tasks.fields import Fields, Row
from composer.types import Query

__all__ = ["Example", "Rendering", "Row", "HubData", "Task"]


@dataclass(frozen=True)
class HubData:
    """A data set on the Hugging Face Hub."""

    hub_id: str
    config: str | None
    train_split: str
    test_split: str
    """The validation split where the test split has no labels."""
    columns: tuple[str, ...]
    """The columns that rendering reads; a row may have more."""


@dataclass(frozen=True)
class Rendering:
    """What a task's own code makes of a row."""

    question: str
    options: tuple[str, ...]
    gold: int
    context: str | None = None


@dataclass(frozen=True)
class Example:
    """One row, ready to be indexed, trained on or asked. The options are in neither `text` nor `prompt`, so that their
    order can never matter."""

    task: str
    row_id: str
    hint: str
    question: str
    """The question as a person would type it; separators such as "Premise: " keep the columns apart, one a line."""
    options: tuple[str, ...]
    gold: int
    context: str | None = None
    """The passage that the question is about."""

    @property
    def text(self) -> str:
        """What the index embeds: hint, context and question, one per line. Never the gold answer."""
        return self.query().retrieval_text

    @property
    def prompt(self) -> str:
        """What a model reads: context and question, one per line."""
        return f"{self.context}\n{self.question}" if self.context else self.question

    def query(self) -> Query:
        return Query(self.question, self.options, self.gold, self.context, self.hint)


@dataclass(frozen=True)
class Task:
    """A data set and how its rows are read."""

    name: str
    title: str
    family: str
    hint: str
    """A sentence on the purpose or the subject; it tells the tasks apart for the encoder. A typed question has none, so
    the hint of short rows is short, and near to what people ask: else the rows of other tasks come to lie nearer."""
    source: HubData
    render: Callable[[Fields], Rendering]
    harness: str
    """The metric by which lm-evaluation-harness chooses the answer: `acc`, or `acc_norm` where it reports that too. The
    comment beside each says under which name it has the task."""
    labels: tuple[str, ...] = ()
    """The option texts in the data set's own label order; empty where each row brings its own options."""
    held_out: bool = False
    """Evaluated, never trained on or indexed."""

    def example(self, row: Row, row_id: str) -> Example:
        """Render one row. What a task draws (the place of the gold answer, say) depends on `row_id` alone. Raises
        TaskError for a row without a usable question: no label, a blank column, equal options, an option too long."""
        try:
            made = self.render(Fields(row, seed=f"{self.name}/{row_id}"))
            example = Example(self.name, row_id, self.hint, made.question, made.options, made.gold, made.context)
            example.query()
        except (QueryError, TaskError) as error:
            raise TaskError(f"{self.name} row {row_id}: {error}") from error
        return example
