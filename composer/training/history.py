"""Where a training stands, and the losses that it has logged: also those from before it was resumed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from composer.errors import ComposerError


@dataclass(frozen=True)
class Standing:
    """What a progress line shows."""

    step: int
    steps: int
    rows: int
    """Seen so far, a row counting once per epoch."""
    total_rows: int
    loss: float | None
    """The last that was logged; None before the first."""


Progress = Callable[[Standing], None]
Points = Sequence[tuple[int, float]]
"""(step, mean loss since the point before)"""


class Reporter(TrainerCallback):
    """Tells `progress` of the start and of every step, and stops a training whose loss is no number any more."""

    def __init__(self, total_rows: int, progress: Progress | None) -> None:
        self.total_rows = total_rows
        self.progress = progress
        self.loss: float | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        self._tell(state)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict | None = None,
        **kwargs: object,
    ) -> None:
        if not logs or "loss" not in logs:
            return
        self.loss = float(logs["loss"])
        if not math.isfinite(self.loss):
            raise ComposerError(
                f"the training diverged: at step {state.global_step} the loss is {self.loss}. Lower the learning rate "
                "and start anew."
            )

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        self._tell(state)

    def _tell(self, state: TrainerState) -> None:
        if self.progress:
            rows = round(self.total_rows * state.global_step / state.max_steps)
            self.progress(Standing(state.global_step, state.max_steps, rows, self.total_rows, self.loss))


def points_of(state: TrainerState) -> list[tuple[int, float]]:
    return [(int(entry["step"]), float(entry["loss"])) for entry in state.log_history if "loss" in entry]


def last_loss(points: Points) -> float:
    """Mean of the last tenth of the points; not a number where there are none."""
    tail = points[-max(1, len(points) // 10) :]
    return sum(loss for _, loss in tail) / len(tail) if tail else math.nan
