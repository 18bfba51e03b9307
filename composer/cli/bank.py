"""`bank show|list`: the banks that are here."""

from __future__ import annotations

from composer.cli.common import Arguments, Commands, bank_of, command, show


def add(commands: Commands) -> None:
    bank = commands.add_parser("bank", help="the banks").add_subparsers(required=True, metavar="COMMAND")
    command(bank, "show", bank_show, "check a bank's files and say what it holds")
    command(bank, "list", bank_list, "the banks that are here", one_bank=False)


def bank_show(arguments: Arguments) -> None:
    from composer.reports import bank_summary, fields_report

    summary = bank_summary(bank_of(arguments))
    show(summary if arguments.json else fields_report(summary))


def bank_list(arguments: Arguments) -> None:
    from composer.bank.manifest import bank_names

    names = bank_names()
    show({"banks": names} if arguments.json else "\n".join(names))
