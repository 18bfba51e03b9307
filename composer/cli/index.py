"""`index build|check`: the examples that a question is compared with, from a bank, from files or from the Hub."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

from composer.cli.common import (
    Arguments,
    Commands,
    add_place,
    app_settings,
    bank_of,
    command,
    names,
    place_of,
    show,
)
from composer.errors import SettingsError

if TYPE_CHECKING:
    from composer.bank.manifest import Bank
    from composer.retrieval.encoder import Encoder
    from composer.retrieval.source_index import TextRows

SKIPPED_SHOWN = 10


def add(commands: Commands) -> None:
    index = commands.add_parser("index", help="the example index").add_subparsers(required=True, metavar="COMMAND")
    _add_build(command(index, "build", index_build, "build it, where it is missing or out of date"))
    check = command(index, "check", index_check, "check that it is whole and finds what it holds")
    add_place(check, "--index")
    check.add_argument("--deep", action="store_true", help="also every task's count and hundreds of rows")


def _add_build(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--source", action="append", metavar="hub|FOLDER", help="rows to index in place of the bank's own; repeatable")
    add_place(parser, "--output")
    add("--tasks", type=names, metavar="T,…", help="default: those of the source that the bank has adapters for")
    add("--per-task", type=int, metavar="N", help="rows of each task, by a fixed draw; default: 2000")
    add("--seed", type=int, metavar="N", help="of the draw; default: 42")
    add("--bad-rows", choices=("skip", "refuse"), help="each is named; default: skip")
    add("--force", action="store_true", help="build it anew in any case")


def index_build(arguments: Arguments) -> None:
    _check_usage(arguments)
    # Rows of a source need the bank's tasks and encoder alone: its adapters may still be in training.
    bank = bank_of(arguments, ready=not arguments.source)
    encoder = _encoder_of(bank)
    result = _from_source(arguments, bank, encoder) if arguments.source else _from_bank(arguments, bank, encoder)
    _show(result, arguments.json)


def index_check(arguments: Arguments) -> None:
    from composer.indexing import open_index_at

    place, cache = place_of(arguments), app_settings().cache_dir
    bank = bank_of(arguments, ready=place is None)
    with closing(open_index_at(bank, _encoder_of(bank), cache, place)) as index:
        if arguments.deep:
            index.check(deep=True)
        _show(_described(index.where, index.manifest.counts), arguments.json)


def _check_usage(arguments: Arguments) -> None:
    drawing = [name for name in ("tasks", "per_task", "seed", "bad_rows") if getattr(arguments, name) is not None]
    if drawing and not arguments.source:
        raise SettingsError(f"--{drawing[0].replace('_', '-')} chooses among rows of a --source, and none was named.")
    if arguments.tasks == ():
        raise SettingsError("--tasks names no task. Name one, or leave the option out for all of the source's.")
    if arguments.source and not (arguments.index or arguments.server):
        raise SettingsError("rows of a --source need a place for their index: a folder with --output, or a --server.")


def _encoder_of(bank: Bank) -> Encoder:
    from composer.retrieval.encoder import Encoder

    # No sha256 is written down yet where the bank is not pinned; the index keeps that of the weights it was made with.
    return Encoder(bank.encoder)


def _from_bank(arguments: Arguments, bank: Bank, encoder: Encoder) -> dict[str, Any]:
    from composer.indexing import build_bank_index, index_folder
    from composer.reports import ProgressLine

    place, cache = place_of(arguments), app_settings().cache_dir
    progress = ProgressLine("Building the index, rows", sys.stderr)
    manifest = build_bank_index(bank, encoder, cache, place, progress=progress, force=arguments.force)
    return _described(str(place or index_folder(bank, cache)), manifest.counts)


def _from_source(arguments: Arguments, bank: Bank, encoder: Encoder) -> dict[str, Any]:
    from composer.reports import ProgressLine
    from composer.retrieval.build import check_place
    from composer.retrieval.server import ServerPlace
    from composer.retrieval.source_index import build_from_rows, build_from_rows_on_server

    place = place_of(arguments)
    if not isinstance(place, ServerPlace):
        check_place(arguments.index)  # before any row is read, which can take an hour
    rows = _drawn(arguments, bank)
    for sentence in rows.skipped[:SKIPPED_SHOWN]:
        print(f"left out: {sentence}", file=sys.stderr)
    if len(rows.skipped) > SKIPPED_SHOWN:
        print(f"left out: {len(rows.skipped) - SKIPPED_SHOWN:,} more bad rows", file=sys.stderr)
    steps: dict[str, Any] = {
        "embedding": ProgressLine("Embedding, rows", sys.stderr),
        "storing": ProgressLine("Building the index, rows", sys.stderr),
        "force": arguments.force,
    }
    if isinstance(place, ServerPlace):
        work = app_settings().cache_dir / "embedding"
        manifest = build_from_rows_on_server(place, rows, encoder, work=work, **steps)
    else:
        manifest = build_from_rows(arguments.index, rows, encoder, **steps)
    return {**_described(str(place), manifest.counts), "left_out": len(rows.skipped)}


def _drawn(arguments: Arguments, bank: Bank) -> TextRows:
    from composer.reports import ProgressLine
    from composer.retrieval.source_index import draw_rows
    from composer.tasks.sampling import PER_TASK, SEED
    from composer.tasks.sources import open_source

    source = open_source(arguments.source)
    tasks = tuple(dict.fromkeys(arguments.tasks or (task for task in source.tasks() if task in bank.tasks)))
    for task in tasks:
        # Refused here, and not after an hour of embedding.
        bank.adapter(task)
    if unknown := source.unknown():
        print(f"not read, as no task has such a name: {', '.join(unknown)}", file=sys.stderr)
    return draw_rows(
        source,
        tasks,
        per_task=PER_TASK if arguments.per_task is None else arguments.per_task,
        seed=SEED if arguments.seed is None else arguments.seed,
        bad_rows=arguments.bad_rows or "skip",
        progress=ProgressLine("Reading, tasks", sys.stderr),
    )


def _described(where: str, counts: dict[str, int]) -> dict[str, Any]:
    return {"folder": where, "rows": sum(counts.values()), "tasks": counts}


def _show(result: dict[str, Any], as_json: bool) -> None:
    from composer.reports import fields_report

    show(result if as_json else fields_report(result))
