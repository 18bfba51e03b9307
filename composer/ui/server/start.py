"""From settings to the page, in the order that gradio, spaces and torch ask for. Imports none of them itself."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping

from composer.config import AppSettings
from composer.heap import limit_arenas
from composer.ui.server.cold_start import cold_start
from composer.ui.server.connections import raise_limit
from composer.ui.server.folders import settle_folders
from composer.ui.server.health import Health
from composer.ui.server.json_log import catch_the_rest, log_to
from composer.ui.server.stopping import Stopping
from composer.ui.server.zero_gpu import import_spaces


def start(settings: AppSettings, env: MutableMapping[str, str]) -> None:
    """Open the bank and show the page until interrupted. Raises ComposerError, also where the port is taken."""
    if "MALLOC_ARENA_MAX" not in env:
        limit_arenas()
    settings = settle_folders(settings, env, say)
    settle_gradio(env)
    log_to(sys.stderr, with_text=settings.log_queries)
    catch_the_rest()
    raise_limit()
    stopping, health = Stopping(), Health(settings.bank)
    stopping.listen()
    with cold_start(settings, health):
        import_spaces()
        # gradio and torch take long to import: a wrong setting should not wait for them, nor a visitor without a word
        from composer.ui.server.launch import open_page

        page = open_page(settings, health, say)
    page.serve(stopping)
    stopping.leave()


def settle_gradio(env: MutableMapping[str, str]) -> None:
    """What Gradio reads when it is imported."""
    env.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    # It sums up all past events in a table after every event, for a monitoring page that is off here.
    env.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000000")
    env.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "100")


def say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
