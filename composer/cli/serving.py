"""`serve`: the page."""

from __future__ import annotations

import os
from dataclasses import replace

from composer.cli.common import Arguments, Commands, app_settings, command


def add(commands: Commands) -> None:
    command(commands, "serve", serve, "open the page", prints=False)


def serve(arguments: Arguments) -> None:
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # gradio reads it when it is imported
    from composer.ui.page import serve

    settings = app_settings()
    serve(replace(settings, bank=arguments.bank or settings.bank))
