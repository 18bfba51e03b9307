"""`python -m composer …`: results on stdout; progress, and the one sentence of a refusal, on stderr.

Exit status: 0 done, 1 refused, 2 wrong usage, 130 stopped by Ctrl-C. What needs torch is imported within the commands,
so that `--help` and a wrong usage do not wait for it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from composer.config import AppSettings, Settings
from composer.errors import ComposerError, SettingsError
from composer.types import Query

if TYPE_CHECKING:
    from composer.bank.manifest import Bank
    from composer.pipeline import Composer

Arguments = argparse.Namespace
Command = Callable[[Arguments], None]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status. Wrong usage leaves through argparse's SystemExit, with 2."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.command(arguments)
        return 0
    except ComposerError as error:
        print(f"composer: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ncomposer: stopped.", file=sys.stderr)
        return 130


def predict(arguments: Arguments) -> None:
    from composer.pipeline import check_settings
    from composer.reports import trace_report
    from composer.serialize import trace_to_json

    # What can be refused is refused before a model is loaded.
    query = Query(arguments.query, tuple(arguments.option), context=arguments.context)
    bank = _bank(arguments)
    settings = _settings(arguments, bank)
    check_settings(settings)
    with closing(_open(bank)) as composer:
        trace = composer.explain(query, settings)
    _print(trace_to_json(trace) if arguments.json else trace_report(trace))


def merge(arguments: Arguments) -> None:
    from composer.bank.hub import folder_of
    from composer.bank.manifest import ADAPTER_FILES
    from composer.bank.reading import read_adapter
    from composer.bank.writing import write_adapter
    from composer.merging import merge, method_named
    from composer.reports import fields_report

    method_named(arguments.method)
    _check_new(arguments.output)
    bank = _bank(arguments)
    sources = [(task, bank.adapter(task)) for task, _ in arguments.weight]
    settings = _settings(arguments, bank).merge
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
    _print(result if arguments.json else fields_report(result))


def evaluate(arguments: Arguments) -> None:
    from composer.evaluation.grid import Plan, evaluate
    from composer.evaluation.report import check_writable, evaluation_table, evaluation_to_json, write_results
    from composer.pipeline import check_settings
    from composer.reports import ProgressLine

    bank = _bank(arguments)
    settings = _settings(arguments, bank)
    check_settings(settings)
    chosen = {"tasks": arguments.tasks, "strategies": arguments.strategies, "limit": arguments.limit}
    # Wrong names and a file that cannot be written are found before minutes of work, not after.
    Plan.of(bank, **chosen)
    if arguments.output:
        check_writable(arguments.output)
    with closing(_open(bank)) as composer:
        progress = ProgressLine("Evaluating, rows", sys.stderr)
        evaluation = evaluate(composer, **chosen, settings=settings, progress=progress)
    if arguments.output:
        write_results(arguments.output, evaluation)
    _print(evaluation_to_json(evaluation) if arguments.json else evaluation_table(evaluation))


def index_build(arguments: Arguments) -> None:
    from composer.pipeline import open_index
    from composer.reports import ProgressLine
    from composer.retrieval.encoder import Encoder

    bank = _bank(arguments)
    encoder = Encoder(bank.encoder.location, revision=bank.encoder.revision, sha256=bank.encoder.sha256)
    progress = ProgressLine("Building the index, rows", sys.stderr)
    with closing(open_index(bank, encoder, _app().cache_dir, progress=progress, force=arguments.force)) as index:
        _print_index(index.folder, index.manifest.counts, arguments.json)


def index_check(arguments: Arguments) -> None:
    from composer.pipeline import index_folder
    from composer.retrieval.encoder import Encoder
    from composer.retrieval.index import SearchIndex

    bank = _bank(arguments)
    encoder = Encoder(bank.encoder.location, revision=bank.encoder.revision, sha256=bank.encoder.sha256)
    source = bank.examples.sha256 if bank.examples else None
    with closing(SearchIndex.open(index_folder(bank, _app().cache_dir), encoder.sha256, source)) as index:
        if arguments.deep:
            index.check(deep=True)
        _print_index(index.folder, index.manifest.counts, arguments.json)


def bank_show(arguments: Arguments) -> None:
    from composer.reports import bank_summary, fields_report

    summary = bank_summary(_bank(arguments))
    _print(summary if arguments.json else fields_report(summary))


def bank_list(arguments: Arguments) -> None:
    from composer.bank.manifest import bank_names

    names = bank_names()
    _print({"banks": names} if arguments.json else "\n".join(names))


def serve(arguments: Arguments) -> None:
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # gradio reads it when it is imported
    from composer.ui.page import serve

    settings = _app()
    serve(replace(settings, bank=arguments.bank or settings.bank))


def _app() -> AppSettings:
    return AppSettings.from_env(os.environ)


def _bank(arguments: Arguments) -> Bank:
    from composer.bank.manifest import load_bank

    return load_bank(arguments.bank or _app().bank)


def _open(bank: Bank) -> Composer:
    from composer.pipeline import Composer
    from composer.reports import ProgressLine

    progress = ProgressLine("Building the index, rows", sys.stderr)
    return Composer.open(bank, cache_dir=_app().cache_dir, progress=progress)


def _settings(arguments: Arguments, bank: Bank) -> Settings:
    """The bank's defaults, changed by what was given."""
    given = {key: value for key, value in vars(arguments).items() if value is not None}
    defaults = Settings(retrieval=bank.retrieval)

    def changed(part: Any, *keys: str) -> Any:  # noqa: ANN401 - one of three kinds of settings
        return replace(part, **{key: given[key] for key in keys if key in given})

    return Settings(
        retrieval=changed(defaults.retrieval, "top_k", "top_p", "kernel"),
        merge=changed(defaults.merge, "density", "majority_sign_method"),
        score=changed(defaults.score, "normalization"),
        methods=given["methods"] if "methods" in given else _all_methods(),
    )


def _all_methods() -> tuple[str, ...]:
    from composer.merging import METHODS

    return tuple(METHODS)


def _check_new(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()):
        raise SettingsError(f"the folder {folder} is not empty. Name a new one with --output.")
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"{folder} is a file, and the adapter needs a folder. Name a new one with --output.")


def _print(result: dict[str, Any] | str) -> None:
    print(result if isinstance(result, str) else json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False))


def _print_index(folder: Path, counts: dict[str, int], as_json: bool) -> None:
    from composer.reports import fields_report

    result = {"folder": str(folder), "rows": sum(counts.values()), "tasks": counts}
    _print(result if as_json else fields_report(result))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m composer", description=sys.modules["composer"].__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_predict(_command(commands, "predict", predict, "what each merge answers to a question"))
    _add_merge(_command(commands, "merge", merge, "merge adapters into one, in PEFT's format"))
    _add_evaluate(_command(commands, "evaluate", evaluate, "accuracy on the bank's own test rows"))
    index = commands.add_parser("index", help="the example index").add_subparsers(required=True, metavar="COMMAND")
    build = _command(index, "build", index_build, "build it, where it is missing or out of date")
    build.add_argument("--force", action="store_true", help="build it anew in any case")
    check = _command(index, "check", index_check, "check that it is whole and finds what it holds")
    check.add_argument("--deep", action="store_true", help="also every task's count and hundreds of rows")
    bank = commands.add_parser("bank", help="the banks").add_subparsers(required=True, metavar="COMMAND")
    _command(bank, "show", bank_show, "check a bank's files and say what it holds")
    _command(bank, "list", bank_list, "the banks that are here", one_bank=False)
    _command(commands, "serve", serve, "open the page", prints=False)
    return parser


def _command(
    commands: Any,  # noqa: ANN401 - argparse keeps this type to itself
    name: str,
    command: Command,
    help: str,
    *,
    one_bank: bool = True,
    prints: bool = True,
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help, description=help.capitalize() + ".")
    parser.set_defaults(command=command)
    if one_bank:
        parser.add_argument("--bank", metavar="NAME|FOLDER", help="default: COMPOSER_BANK, or embedded")
    if prints:
        parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _add_predict(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--query", required=True, metavar="TEXT", help="the question")
    parser.add_argument("--option", action="append", default=[], metavar="TEXT", help="an answer; give 2 to 8")
    parser.add_argument("--context", metavar="TEXT", help="a passage that the question is about")
    parser.add_argument("--method", dest="methods", type=_names, metavar="M,…", help="default: all of them")
    _add_settings(parser)


def _add_merge(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--weight", action="append", required=True, type=_weight, metavar="TASK=W", help="once per adapter")
    add("--method", required=True, metavar="M", help="linear, cat, ties or magnitude_prune")
    add("--output", required=True, type=Path, metavar="DIR", help="a folder that is new or empty")
    _add_merge_settings(parser)


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tasks", type=_names, metavar="T,…", help="default: all with test rows")
    parser.add_argument("--strategies", type=_names, metavar="S,…", help="default: all baselines and methods")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N rows of each task")
    parser.add_argument("--output", type=Path, metavar="FILE", help="also write the JSON there")
    _add_settings(parser)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--top-p", type=float, metavar="P", help="mass of the nucleus")
    parser.add_argument("--top-k", type=int, metavar="K", help="neighbours to retrieve")
    parser.add_argument("--kernel", metavar="NAME", help="inverse, exp or cosine")
    parser.add_argument("--normalization", metavar="NAME", help="tokens, sum or bytes")
    _add_merge_settings(parser)


def _add_merge_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--density", type=float, metavar="D", help="share of entries that trimming keeps")
    parser.add_argument("--majority-sign", dest="majority_sign_method", metavar="NAME", help="frequency or total")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _weight(text: str) -> tuple[str, float]:
    task, _, value = text.partition("=")
    try:
        return task, float(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not TASK=NUMBER") from None
