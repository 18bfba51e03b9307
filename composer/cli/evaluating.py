"""`evaluate`: a bank on its own test rows."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from pathlib import Path

from composer.cli.common import (
    Arguments,
    Commands,
    add_settings,
    bank_of,
    command,
    names,
    open_composer,
    settings_of,
    show,
)


def add(commands: Commands) -> None:
    _add_evaluate(command(commands, "evaluate", evaluate, "accuracy on the bank's own test rows"))


def evaluate(arguments: Arguments) -> None:
    from composer.evaluation.grid import Plan, evaluate
    from composer.evaluation.report import check_writable, evaluation_table, evaluation_to_json, write_results
    from composer.pipeline import check_settings
    from composer.reports import ProgressLine

    bank = bank_of(arguments)
    settings = settings_of(arguments, bank)
    check_settings(settings)
    chosen = {"tasks": arguments.tasks, "strategies": arguments.strategies, "limit": arguments.limit}
    # Wrong names and a file that cannot be written are found before minutes of work, not after.
    Plan.of(bank, **chosen)
    if arguments.output:
        check_writable(arguments.output)
    with closing(open_composer(bank)) as composer:
        progress = ProgressLine("Evaluating, rows", sys.stderr)
        evaluation = evaluate(composer, **chosen, settings=settings, progress=progress)
    if arguments.output:
        write_results(arguments.output, evaluation)
    show(evaluation_to_json(evaluation) if arguments.json else evaluation_table(evaluation))


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tasks", type=names, metavar="T,…", help="default: all with test rows")
    parser.add_argument("--strategies", type=names, metavar="S,…", help="default: baselines and default methods")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N rows of each task")
    parser.add_argument("--output", type=Path, metavar="FILE", help="also write the JSON there")
    add_settings(parser)
