"""`serve`: the page."""

from __future__ import annotations

import os
from dataclasses import replace

from composer.cli.common import Arguments, Commands, add_only_bank_tasks, add_place, app_settings, command, place_of
from composer.config import AppSettings
from composer.ui.server.start import start


def add(commands: Commands) -> None:
    parser = command(commands, "serve", serve, "open the page", prints=False)
    add_place(parser, "--index")
    add_only_bank_tasks(parser)


def serve(arguments: Arguments) -> None:
    settings = app_settings()
    only = arguments.only_bank_tasks or settings.only_bank_tasks
    settings = replace(settings, bank=arguments.bank or settings.bank, only_bank_tasks=only)
    start(_placed(settings, arguments), os.environ)


def _placed(settings: AppSettings, arguments: Arguments) -> AppSettings:
    """With the index that the options name, where they name one."""
    if place_of(arguments) is None:
        return settings
    return replace(settings, index=arguments.server or str(arguments.index), collection=arguments.collection)
