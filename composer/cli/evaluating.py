"""`evaluate`: every candidate on the same rows; and `results`: what was found, as pages of Markdown."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from composer.cli.common import (
    Arguments,
    Commands,
    add_only_bank_tasks,
    add_place,
    add_settings,
    app_settings,
    bank_of,
    command,
    names,
    open_composer,
    place_of,
    settings_of,
    show,
)

if TYPE_CHECKING:
    from composer.bank.manifest import Bank
    from composer.evaluation.rows import TaskRows


def add(commands: Commands) -> None:
    _add_evaluate(command(commands, "evaluate", evaluate, "accuracy of every candidate on the same rows"))
    _add_results(
        command(
            commands,
            "results",
            results,
            "write the README's table and docs/evaluation.md from results files",
            one_bank=False,
            prints=False,
        )
    )


def evaluate(arguments: Arguments) -> None:
    from composer.evaluation.grid import Plan, evaluate
    from composer.evaluation.joining import joined
    from composer.evaluation.report import evaluation_table
    from composer.evaluation.results_file import check_writable, evaluation_to_json, read_results, write_results
    from composer.pipeline import check_settings
    from composer.reports import ProgressLine

    bank = bank_of(arguments)
    settings = settings_of(arguments, bank)
    check_settings(settings)
    # Wrong names and a file that cannot be written are found before minutes of work, not after.
    rows = _rows(arguments, bank)
    plan = Plan.of(rows, arguments.candidates, arguments.asked, arguments.split, arguments.setting)
    if arguments.output:
        check_writable(arguments.output)
    before = (
        read_results(arguments.output) if arguments.join and arguments.output and arguments.output.exists() else None
    )
    for sentence in (sentence for one in rows for sentence in one.skipped):
        print(f"composer: left out {sentence}", file=sys.stderr)
    work = app_settings().cache_dir / "evaluation" / bank.name
    opened = open_composer(bank, place_of(arguments), arguments.quantization, only_bank_tasks=arguments.only_bank_tasks)
    with closing(opened) as composer:
        progress = ProgressLine("Evaluating, rows", sys.stderr)
        evaluation = evaluate(composer, plan, settings, work, unconditional=arguments.pmi, progress=progress)
    if arguments.output:
        write_results(arguments.output, joined(before, evaluation) if before else evaluation)
    show(evaluation_to_json(evaluation) if arguments.json else evaluation_table(evaluation))


def _rows(arguments: Arguments, bank: Bank) -> tuple[TaskRows, ...]:
    from composer.evaluation.rows import check_limit, rows_of_bank, rows_of_source
    from composer.tasks.sources import open_source

    check_limit(arguments.limit)
    if not arguments.source:
        return rows_of_bank(bank, arguments.tasks, arguments.limit)
    return rows_of_source(open_source(arguments.source), arguments.split, bank, arguments.tasks, arguments.limit)


def results(arguments: Arguments) -> None:
    from composer.evaluation.pages import write_pages

    write_pages(arguments.readme, arguments.document)
    show(f"Written: {arguments.readme}, {arguments.document}")


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--source",
        action="append",
        default=[],
        metavar="S",
        help="hub, or a folder with <task>/<split>.jsonl, .csv or .parquet; default: the bank's own test rows",
    )
    add("--split", default="test", metavar="NAME", help="which rows of the source: test (default), dev …")
    add("--asked", type=names, default=("typed",), metavar="A,…", help="typed (default), hinted")
    add(
        "--setting",
        type=names,
        default=("seen",),
        metavar="S,…",
        help="seen (default), unseen, unseen_family, half, tenth, fiftieth: what of the bank may be used",
    )
    add("--pmi", action="store_true", help="also score what the question adds to each option: a second, short pass")
    add("--tasks", type=names, metavar="T,…", help="default: all with rows")
    add("--candidates", type=names, metavar="C,…", help="default: base, own, top1, uniform and the default methods")
    add("--limit", type=int, metavar="N", help="only the first N rows of each task")
    add("--output", type=Path, metavar="FILE", help="also write the JSON there")
    add("--join", action="store_true", help="keep the tasks and columns that the output file has already")
    add("--quantization", metavar="NAME", help="none, nf4 or int8; default: what the bank says")
    add_place(parser, "--index")
    add_only_bank_tasks(parser)
    add_settings(parser)


def _add_results(parser: argparse.ArgumentParser) -> None:
    for name, path in (("readme", Path("README.md")), ("document", Path("docs/evaluation.md"))):
        parser.add_argument(f"--{name}", type=Path, default=path, metavar="FILE", help=f"default: {path}")
