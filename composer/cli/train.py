"""`train`: adapters from labelled rows, straight into a bank."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from composer.cli.common import Arguments, Commands, app_settings, command, names, show

if TYPE_CHECKING:
    from composer.reports import ProgressLine
    from composer.training.history import Progress, Standing
    from composer.training.plan import Result, TrainingPlan
    from composer.training.recipe import AdapterRecipe

RECIPE_OPTIONS = (
    ("epochs", "epochs", float, "passes over the rows"),
    ("limit", "rows", int, "rows a task, at most, drawn by a fixed seed"),
    ("rank", "rank", int, "of the LoRA"),
    ("alpha", "alpha", int, "of the LoRA; its updates are scaled by alpha / rank"),
    ("batch-size", "batch_size", int, "rows that are read at once"),
    ("accumulation", "accumulation", int, "batches a step"),
    ("learning-rate", "learning_rate", float, "its highest value"),
    ("least-steps", "least_steps", int, "more passes where there are few rows"),
    ("warmup-steps", "warmup_steps", int, "steps up to it"),
    ("max-tokens", "max_tokens", int, "longer rows are cut in the middle of their context"),
    ("seed", "seed", int, "of the start and of the order of rows"),
)
"""(option, field of the recipe, type, help)"""


def add(commands: Commands) -> None:
    parser = command(commands, "train", train, "train adapters and put them into the bank, with their sha256")
    option = parser.add_argument
    option("--task", required=True, type=names, metavar="T,…|all", help="all: those of the source without an adapter")
    option(
        "--source",
        action="append",
        default=[],
        metavar="S",
        help="bank (default: its own examples), hub, or a folder with <task>/train.jsonl, .csv or .parquet; "
        "given twice, the first that has a task",
    )
    option("--output", type=Path, metavar="DIR", help="write DIR/<task> and leave the bank as it is")
    option("--force", action="store_true", help="train anew what has an adapter already")
    option(
        "--resume",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="go on where the same run was killed (default), or throw its checkpoints away",
    )
    option("--recipe", metavar="NAME", help="paper or small; default: what bank.toml names, else by the base's size")
    for name, field, kind, text in RECIPE_OPTIONS:
        option(f"--{name}", dest=f"recipe_{field}", type=kind, metavar="N", help=text)
    option("--device", default="auto", metavar="D", help="auto, cpu or cuda")
    option("--report-to", type=names, default=(), metavar="T,…", help="trackers, such as tensorboard or wandb")


def train(arguments: Arguments) -> None:
    # the least costly check first; torch is imported for the later ones
    chosen = _recipe(arguments) if arguments.recipe else None
    plan, tasks = _plan(arguments, chosen)
    results = _train(plan, tasks)
    if arguments.json:
        show({"bank": plan.bank.name, "adapters": [_values(result) for result in results]})
    else:
        show("\n".join(_line(result) for result in results))


def _plan(arguments: Arguments, recipe: AdapterRecipe | None) -> tuple[TrainingPlan, tuple[str, ...]]:
    """Everything is checked, nothing is loaded."""
    from composer.bank.manifest import load_bank
    from composer.training.device import default_recipe, device_for, size_up
    from composer.training.plan import TrainingPlan, check_plan, tasks_of, work_folder
    from composer.training.sources import source_of

    settings = app_settings()
    bank = load_bank(arguments.bank or settings.bank, ready=False)
    base = size_up(bank, settings.cache_dir)
    plan = TrainingPlan(
        bank=bank,
        source=source_of(bank, arguments.source),
        recipe=recipe or _changed(default_recipe(bank, base), arguments),
        cache_dir=settings.cache_dir,
        work=work_folder(bank, settings.cache_dir),
        output=arguments.output,
        force=arguments.force,
        resume=arguments.resume,
        report_to=arguments.report_to,
    )
    tasks = tasks_of(plan, arguments.task)
    check_plan(plan)
    return replace(plan, device=device_for(base, arguments.device)), tasks


def _recipe(arguments: Arguments) -> AdapterRecipe:
    from composer.training.recipe import recipe_named

    return _changed(recipe_named(arguments.recipe), arguments)


def _changed(recipe: AdapterRecipe, arguments: Arguments) -> AdapterRecipe:
    given = {field: getattr(arguments, f"recipe_{field}") for _, field, _, _ in RECIPE_OPTIONS}
    return replace(recipe, **{field: value for field, value in given.items() if value is not None})


def _train(plan: TrainingPlan, tasks: tuple[str, ...]) -> list[Result]:
    from composer.training.plan import train_tasks

    def progress(task: str) -> Progress:
        return TaskLine(f"{task} ({tasks.index(task) + 1} of {len(tasks)})")

    def warn(sentence: str) -> None:
        print(f"composer: {sentence}", file=sys.stderr)

    return list(_told(train_tasks(plan, tasks, progress=progress, warn=warn)))


def _told(results: Iterable[Result]) -> Iterable[Result]:
    """Each as soon as it is there: the next may take hours."""
    for result in results:
        done = f"loss {result.record.loss:.3f}" if result.seconds else "is there already, of the very same run"
        print(f"{result.task}: {done}, in {result.folder}", file=sys.stderr)
        yield result


def _values(result: Result) -> dict[str, Any]:
    record = result.record
    return {
        "task": result.task,
        "folder": str(result.folder),
        "sha256": result.sha256,
        "rows": record.rows,
        "left_out": record.left_out,
        "steps": record.steps,
        "first_loss": record.first_loss,
        "loss": record.loss,
        "seconds": round(result.seconds, 1),
    }


def _line(result: Result) -> str:
    record = result.record
    return (
        f"{result.task}: {record.rows:,} rows, {record.steps:,} steps, loss {record.first_loss:.3f} to "
        f"{record.loss:.3f}, {result.seconds:.0f} s, {result.folder}"
    )


class TaskLine:
    """Step, loss, rows and time left of one task; what a resumed run had done before says nothing of the speed."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.line: ProgressLine | None = None

    def __call__(self, standing: Standing) -> None:
        from composer.reports import ProgressLine

        if self.line is None:
            self.line = ProgressLine(self.label, sys.stderr)
        loss = "" if standing.loss is None else f", loss {standing.loss:.3f}"
        self.line.label = f"{self.label}: step {standing.step:,} of {standing.steps:,}{loss}, rows"
        self.line(standing.rows, standing.total_rows)
