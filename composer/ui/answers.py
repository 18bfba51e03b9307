"""What each candidate on the page says, in the order in which they stand there: base, references, merges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from composer.lineup import BASE, LINEUP, REFERENCES
from composer.types import Failure, Prediction, Trace


@dataclass(frozen=True)
class Answer:
    name: str
    """A row of LINEUP."""
    reply: Prediction | Failure | None
    """None while it is waited for."""
    is_merge: bool
    """One of the methods that were asked for, and no reference."""
    task: str
    """The heaviest."""

    @property
    def title(self) -> str:
        return LINEUP[self.name].title if self.name in LINEUP else self.name

    @property
    def meaning(self) -> str:
        return LINEUP[self.name].meaning.format(task=self.task) if self.name in LINEUP else ""

    @property
    def prediction(self) -> Prediction | None:
        return self.reply if isinstance(self.reply, Prediction) else None

    @property
    def failure(self) -> Failure | None:
        return self.reply if isinstance(self.reply, Failure) else None

    @property
    def is_tied(self) -> bool:
        """Two options or more have the highest score, to the last bit: none of them is the answer."""
        return self.prediction is not None and self.prediction.scores.count(max(self.prediction.scores)) > 1

    @property
    def chosen(self) -> int | None:
        """Index of the option; None where there is no answer, or a tie."""
        return None if self.prediction is None or self.is_tied else self.prediction.chosen


def answers_of(trace: Trace, methods: Sequence[str]) -> tuple[Answer, ...]:
    """Also those that are waited for."""
    referred = {one.method: one for one in trace.references}
    task = trace.weights.heaviest
    return (
        Answer(BASE, trace.answer(BASE), False, task),
        *(Answer(name, referred.get(name), False, task) for name in REFERENCES),
        *(Answer(name, trace.answer(name), True, task) for name in methods),
    )
