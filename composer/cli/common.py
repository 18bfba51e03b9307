"""What the commands share: common options, the bank they work on, and how a result is printed."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from composer.config import DEFAULT_BANK, NORMALIZATIONS, AppSettings, Settings
from composer.errors import SettingsError

if TYPE_CHECKING:
    from composer.bank.manifest import Bank
    from composer.indexing import IndexPlace
    from composer.pipeline import Composer

Arguments = argparse.Namespace
Command = Callable[[Arguments], None]
Commands = Any
"""What `add_subparsers` returns; argparse keeps the type to itself."""


def command(
    commands: Commands,
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
        parser.add_argument("--bank", metavar="NAME|FOLDER", help=f"default: COMPOSER_BANK, or {DEFAULT_BANK}")
    if prints:
        parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def app_settings() -> AppSettings:
    return AppSettings.from_env(os.environ)


def bank_of(arguments: Arguments, *, ready: bool = True) -> Bank:
    from composer.bank.manifest import load_bank

    return load_bank(arguments.bank or app_settings().bank, ready=ready)


def open_composer(
    bank: Bank, index: IndexPlace = None, quantization: str | None = None, *, only_bank_tasks: bool = False
) -> Composer:
    from composer.pipeline import Composer
    from composer.reports import ProgressLine

    progress = ProgressLine("Building the index, rows", sys.stderr)
    app = app_settings()
    return Composer.open(
        bank,
        index=index,
        cache_dir=app.cache_dir,
        device=app.device,
        quantization=quantization or app.quantization,
        only_bank_tasks=only_bank_tasks or app.only_bank_tasks,
        adapter_bytes=app.adapter_bytes,
        progress=progress,
        say=lambda words: print(words, file=sys.stderr),
    )


def settings_of(arguments: Arguments, bank: Bank) -> Settings:
    """The bank's defaults, changed by what was given."""
    given = {key: value for key, value in vars(arguments).items() if value is not None}
    defaults = Settings(retrieval=bank.retrieval, score=bank.score)

    def changed(part: Any, *keys: str) -> Any:  # noqa: ANN401 - one of three kinds of settings
        return replace(part, **{key: given[key] for key in keys if key in given})

    return Settings(
        retrieval=changed(defaults.retrieval, "top_k", "top_p", "kernel"),
        merge=changed(defaults.merge, "density", "majority_sign_method", "svd_rank", "seed"),
        score=changed(defaults.score, "normalization"),
        methods=given.get("methods", defaults.methods),
    )


def check_new(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()):
        raise SettingsError(f"the folder {folder} is not empty. Name a new one with --output.")
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"{folder} is a file, and the adapter needs a folder. Name a new one with --output.")


def show(result: dict[str, Any] | str) -> None:
    print(result if isinstance(result, str) else json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False))


def add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--top-p", type=float, metavar="P", help="mass of the nucleus")
    parser.add_argument("--top-k", type=int, metavar="K", help="neighbours to retrieve")
    parser.add_argument("--kernel", metavar="NAME", help="inverse, exp or cosine")
    parser.add_argument("--normalization", metavar="NAME", help=f"of {', '.join(NORMALIZATIONS)}")
    add_merge_settings(parser)


def add_merge_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--density", type=float, metavar="D", help="share of entries that pruning keeps")
    parser.add_argument("--majority-sign", dest="majority_sign_method", metavar="NAME", help="frequency or total")
    parser.add_argument("--svd-rank", type=int, metavar="R", help="what svd cuts to; default: the largest rank given")
    parser.add_argument("--seed", type=int, metavar="N", help="which entries the DARE methods drop; default: 0")


def add_place(parser: argparse.ArgumentParser, option: str) -> None:
    """Where an index is, or goes: a folder, or a Chroma server."""
    add = parser.add_argument
    add(option, dest="index", type=Path, metavar="DIR", help="an index's folder; default: the bank's own, in the cache")
    add("--server", metavar="URL", help="a Chroma server in place of a folder, such as http://localhost:8000")
    add("--collection", metavar="NAME", help="which collection of the server; default: examples")


def add_only_bank_tasks(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--only-bank-tasks", action="store_true", help="leave out examples of tasks that the bank has no adapter for"
    )


def place_of(arguments: Arguments) -> IndexPlace:
    from composer.retrieval.server import ServerPlace

    if arguments.index and arguments.server:
        raise SettingsError("a folder and a --server were named. Name one of them.")
    if arguments.collection and not arguments.server:
        raise SettingsError("--collection names a part of a --server, and none was named.")
    if arguments.server:
        return ServerPlace(arguments.server, *([arguments.collection] if arguments.collection else []))
    return arguments.index


def names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def weight(text: str) -> tuple[str, float]:
    task, _, value = text.partition("=")
    try:
        return task, float(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not TASK=NUMBER") from None
