"""What is said of measured accuracies: of a cell, of a mean, and of the task that a question resembles most."""

from __future__ import annotations

from collections.abc import Sequence

from composer.config import Settings
from composer.evaluation.choices import ASKED, SETTINGS
from composer.evaluation.results import SEEN
from composer.evaluation.statistics import Comparison, Interval
from composer.lineup import BASE, LINEUP
from composer.ui.markup import percent, whole_percent
from composer.ui.measured import OWN, PAPERS_SETTING, TYPED, Figure, Measured, View

SPLIT_WORDS = {"test": "test", "dev": "development"}
SETTING_WORDS = {
    "seen": "all adapters",
    "unseen": "own adapter taken away",
    "unseen_family": "own family taken away",
    "half": "half of the examples",
    "tenth": "a tenth of the examples",
    "fiftieth": "a fiftieth of the examples",
}
OWN_TITLE = "its own adapter"


def about(measured: Measured) -> str:
    """What the whole table is of, in a sentence."""
    tasks = [one for one in measured.evaluation.tasks if not one.held_out]
    split = SPLIT_WORDS.get(measured.evaluation.split, measured.evaluation.split)
    return (
        f"How often each candidate chooses the right option: {sum(one.n for one in tasks):,} {split} questions of"
        f" {len(tasks)} tasks, in per cent."
    )


def of_cell(candidate: str, task: str, figure: Figure, printed: float | None = None) -> str:
    """A cell in words."""
    parts = [
        f"{LINEUP[candidate].title} on {task}: {whole_percent(figure.accuracy)} of {figure.n} questions right"
        f" ({_between(figure.interval)})."
    ]
    if figure.against_base is not None:
        parts.append(beside_base(figure.against_base))
    if figure.failed:
        parts.append(f"{figure.failed} of them had no answer, and count as wrong.")
    if printed is not None:
        parts.append(f"The paper prints {percent(printed, 2)}, of another model on other rows.")
    return " ".join(parts)


def beside_base(compared: Comparison) -> str:
    """How far from the base, and whether that may be chance."""
    points = abs(round(compared.difference * 100))
    if compared.first_only == compared.second_only:
        distance = "As many as the base model has right"
    else:
        side = "above" if compared.difference > 0 else "below"
        distance = f"{_points(points)} {side} the base model"
    doubt = "which may be chance" if compared.may_be_chance else "which chance alone would rarely make"
    return f"{distance}, {doubt} ({_p(compared.p)})."


def of_mean(candidate: str, mean: float, interval: Interval, tasks: int) -> str:
    return (
        f"{LINEUP[candidate].title}, mean of {tasks} tasks, each with the same weight: {percent(mean * 100)}"
        f" ({_between(interval, decimals=1)})."
    )


def of_guessing(n: int, majority: int) -> str:
    return f"{majority} of {n} questions have their right answer at the same place, the most frequent one."


def caption(measured: Measured, view: View) -> str:
    """How to read the table, and under what it was measured."""
    evaluation = measured.evaluation
    setting = f"{ASKED[view.asked]}; {SETTINGS[view.setting].meaning}"
    withheld = SETTINGS[view.setting].withholds != "nothing" and OWN in measured.columns(view)
    stays = f" {LINEUP[OWN].title} stays for comparison." if withheld else ""
    words = (
        f"Asked {setting}.{stays} Pale: the difference from the base model may be chance (McNemar's exact test, each"
        " cell by itself; of twenty cells with no difference one would still stand out)."
        f" Scores {_normalized(evaluation.settings.score.normalization)}; computed on {_computed(evaluation.computed)}."
    )
    if view.setting == PAPERS_SETTING and any(one.task in measured.paper for one in evaluation.tasks):
        words += " Small, below: what the paper's Table 3 prints, of Llama-2-7b and other rows; not to be compared."
    return words


def of_answers(measured: Measured, task: str, methods: Sequence[str], settings: Settings) -> str:
    """How good the model is at a question's heaviest task, and its merges are; empty where that was not measured."""
    result = measured.result(task)
    found = {name: measured.figure(task, name) for name in (BASE, OWN)} | _merges(measured, task, methods)
    shares = [f"{_title(name)} {whole_percent(figure.accuracy)}" for name, figure in found.items() if figure]
    if result is None or not shares:
        return ""
    guess = whole_percent(result.majority / result.n)
    words = f"On {_questions(measured, task)}, the heaviest task: {', '.join(shares)}; guessing {guess}."
    differ = any(found.get(name) for name in methods) and not _as_measured(measured, settings)
    return f"{words} The merges were measured with other settings than these." if differ else words


def _merges(measured: Measured, task: str, methods: Sequence[str]) -> dict[str, Figure | None]:
    """As the page asks: typed, with every adapter there."""
    view = View(TYPED, SEEN)
    return {name: measured.figure(task, measured.column(name, view)) for name in methods if name in LINEUP}


def _as_measured(measured: Measured, settings: Settings) -> bool:
    was = measured.evaluation.settings
    return (was.retrieval, was.merge, was.score) == (settings.retrieval, settings.merge, settings.score)


def _questions(measured: Measured, task: str) -> str:
    split = measured.evaluation.split
    result = measured.result(task)
    return f"{result.n if result else 0} real {SPLIT_WORDS.get(split, split)} questions of {task}"


def _title(name: str) -> str:
    return "base model" if name == BASE else OWN_TITLE if name == OWN else LINEUP[name].title


def _between(interval: Interval, decimals: int = 0) -> str:
    low, high = (f"{100 * share:.{decimals}f}" for share in (interval.low, interval.high))
    return f"95 % interval {low} to {high}"


def _points(points: int) -> str:
    return "Under 1 point" if points == 0 else f"{points} point{'' if points == 1 else 's'}"


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def _normalized(how: str) -> str:
    return {"tokens": "are compared per token", "bytes": "are compared per byte", "sum": "are plain sums"}.get(
        how, f"are compared by {how}"
    )


def _computed(words: str) -> str:
    """Such as "CPU in bfloat16" of "cpu, bfloat16, none"."""
    device, _, rest = words.partition(", ")
    kind, _, quantization = rest.partition(", ")
    return f"{device.upper()} in {kind}" + (f", weights in {quantization}" if quantization not in ("", "none") else "")
