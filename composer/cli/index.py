"""`index build|check`: the example index of a bank."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

from composer.cli.common import Arguments, Commands, app_settings, bank_of, command, show


def add(commands: Commands) -> None:
    index = commands.add_parser("index", help="the example index").add_subparsers(required=True, metavar="COMMAND")
    build = command(index, "build", index_build, "build it, where it is missing or out of date")
    build.add_argument("--force", action="store_true", help="build it anew in any case")
    check = command(index, "check", index_check, "check that it is whole and finds what it holds")
    check.add_argument("--deep", action="store_true", help="also every task's count and hundreds of rows")


def index_build(arguments: Arguments) -> None:
    from composer.pipeline import open_index
    from composer.reports import ProgressLine
    from composer.retrieval.encoder import Encoder

    bank = bank_of(arguments)
    encoder = Encoder(bank.encoder.location, revision=bank.encoder.revision, sha256=bank.encoder.sha256)
    progress = ProgressLine("Building the index, rows", sys.stderr)
    with closing(
        open_index(bank, encoder, app_settings().cache_dir, progress=progress, force=arguments.force)
    ) as index:
        _show_index(index.folder, index.manifest.counts, arguments.json)


def index_check(arguments: Arguments) -> None:
    from composer.pipeline import index_folder
    from composer.retrieval.encoder import Encoder
    from composer.retrieval.index import SearchIndex

    bank = bank_of(arguments)
    encoder = Encoder(bank.encoder.location, revision=bank.encoder.revision, sha256=bank.encoder.sha256)
    source = bank.examples.sha256 if bank.examples else None
    with closing(SearchIndex.open(index_folder(bank, app_settings().cache_dir), encoder.sha256, source)) as index:
        if arguments.deep:
            index.check(deep=True)
        _show_index(index.folder, index.manifest.counts, arguments.json)


def _show_index(folder: Path, counts: dict[str, int], as_json: bool) -> None:
    from composer.reports import fields_report

    result = {"folder": str(folder), "rows": sum(counts.values()), "tasks": counts}
    show(result if as_json else fields_report(result))
