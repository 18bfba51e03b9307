"""`serve`: the page."""

from __future__ import annotations

import os
from dataclasses import replace

from composer.cli.common import Arguments, Commands, app_settings, command
from composer.ui.start import start


def add(commands: Commands) -> None:
    command(commands, "serve", serve, "open the page", prints=False)


def serve(arguments: Arguments) -> None:
    settings = app_settings()
    start(replace(settings, bank=arguments.bank or settings.bank), os.environ)
