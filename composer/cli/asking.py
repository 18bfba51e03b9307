"""`predict` and `merge`: what a person asks of adapters."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from composer.cli.common import (
    Arguments,
    Commands,
    add_merge_settings,
    add_only_bank_tasks,
    add_place,
    add_settings,
    bank_of,
    check_new,
    command,
    names,
    open_composer,
    place_of,
    settings_of,
    show,
    weight,
)
from composer.config import DEFAULT_METHODS
from composer.types import MAX_PASSAGE_CHARS, Query

ALL_METHODS = (
    "linear, cat, ties, magnitude_prune, svd, dare_linear, dare_ties, "
    "core_sum, core_ties, core_dare, core_iso or average"
)
"""Written out: the registry would load torch before the help appears."""


def add(commands: Commands) -> None:
    _add_predict(command(commands, "predict", predict, "what each merge answers to a question"))
    _add_merge(command(commands, "merge", merge, "merge adapters into one, in PEFT's format"))


def predict(arguments: Arguments) -> None:
    from composer.pipeline import check_settings
    from composer.reports import trace_report
    from composer.serialize import trace_to_json

    # What can be refused is refused before a model is loaded.
    query = Query(arguments.query, tuple(arguments.option), context=arguments.context)
    bank = bank_of(arguments)
    settings = settings_of(arguments, bank)
    check_settings(settings)
    with closing(open_composer(bank, place_of(arguments), only_bank_tasks=arguments.only_bank_tasks)) as composer:
        trace = composer.explain(query, settings)
    show(trace_to_json(trace) if arguments.json else trace_report(trace))


def merge(arguments: Arguments) -> None:
    from composer.bank.manifest import ADAPTER_FILES
    from composer.bank.reading import read_adapter
    from composer.bank.sources import folder_of
    from composer.bank.writing import write_adapter
    from composer.merging import merge, method_named
    from composer.reports import fields_report

    method_named(arguments.method)
    check_new(arguments.output)
    bank = bank_of(arguments)
    sources = [(task, bank.adapter(task)) for task, _ in arguments.weight]
    settings = settings_of(arguments, bank).merge
    adapters = []
    for task, source in sources:
        folder, within = folder_of(source, ADAPTER_FILES)
        adapters.append(read_adapter(folder, name=task, sha256=dict(source.sha256), within=within))
    merged = merge(arguments.method, adapters, tuple(arguments.weight), settings)
    write_adapter(arguments.output, merged, base_model_name=bank.base_name)
    result = {
        "output": str(arguments.output),
        "method": merged.method,
        "weights": dict(merged.weights),
        "rank": max(stack.a.shape[1] for stack in merged.stacks),
        "base": bank.base_name,
    }
    show(result if arguments.json else fields_report(result))


def _add_predict(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--query", required=True, metavar="TEXT", help="the question")
    parser.add_argument("--option", action="append", default=[], metavar="TEXT", help="an answer; give 2 to 8")
    passage = f"a passage that the question is about, of at most {MAX_PASSAGE_CHARS:,} characters"
    parser.add_argument("--context", metavar="TEXT", help=passage)
    add_place(parser, "--index")
    add_only_bank_tasks(parser)
    default = ",".join(DEFAULT_METHODS)
    parser.add_argument(
        "--method", dest="methods", type=names, metavar="M,…", help=f"{ALL_METHODS}; default: {default}"
    )
    add_settings(parser)


def _add_merge(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--weight",
        action="append",
        required=True,
        type=weight,
        metavar="TASK=W",
        help="once per adapter; W may be negative",
    )
    add("--method", required=True, metavar="M", help=ALL_METHODS)
    add("--output", required=True, type=Path, metavar="DIR", help="a folder that is new or empty")
    add_merge_settings(parser)
