"""The server: the bank, the page that shows it, and the answer whether both work."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr
from fastapi.exceptions import RequestValidationError
from gradio.node_server import stop_node_process
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from composer.config import ROOT, AppSettings
from composer.errors import SettingsError
from composer.heap import keep_for_good
from composer.indexing import place_named
from composer.pipeline import Composer
from composer.ui import theme
from composer.ui.page import build_page, public_url
from composer.ui.server.asking import check, told_what_does_not_fit
from composer.ui.server.connections import Streams, most_streams
from composer.ui.server.downloads import downloads_of
from composer.ui.server.fair_queue import FairQueue
from composer.ui.server.guard import UPLOADS, Guard
from composer.ui.server.health import PATHS, Health
from composer.ui.server.intake import Intake
from composer.ui.server.json_log import settle_libraries
from composer.ui.server.presence import Presence
from composer.ui.server.preview import Preview, picture_route
from composer.ui.server.stopping import Stopping


@dataclass(frozen=True, eq=False)
class OpenPage:
    """A bank and its page, ready to be shown."""

    settings: AppSettings
    health: Health
    composer: Composer
    page: gr.Blocks
    say: Callable[[str], None]

    def serve(self, stopping: Stopping) -> None:
        """Until interrupted, or until what runs when the process is asked to stop is done."""
        host, port = self.settings.host, self.settings.port
        try:
            self.health.watch(self.composer)
            settle_libraries(with_text=self.settings.log_queries)
            keep_for_good()
            self.say(f"Adapter Composer is ready on http://{_shown(host)}:{port}")
            self.page.launch(**launch_options(self.settings, self.health), prevent_thread_lock=True)
            # Gradio sets its own where Node stands in front
            stopping.listen()
            stopping.wait()
            queue: FairQueue = self.page._queue  # type: ignore[assignment]
            queue.closing = self.health.closing = True
            stopping.drain(lambda: queue.is_idle)
        finally:
            close_page(self.page)
            self.health.close()
            self.composer.close()


def open_page(settings: AppSettings, health: Health, say: Callable[[str], None]) -> OpenPage:
    """Raises ComposerError where the bank cannot be opened."""

    def progress(done: int, total: int) -> None:
        say(f"Building the index: {done:,} of {total:,} examples")

    say(f"Opening the bank {settings.bank!r} …")
    composer = Composer.open(
        settings.bank,
        index=place_named(settings.index, settings.collection),
        cache_dir=settings.cache_dir,
        device=settings.device,
        quantization=settings.quantization,
        adapter_bytes=settings.adapter_bytes,
        only_bank_tasks=settings.only_bank_tasks,
        progress=progress,
        say=say,
    )
    try:
        return OpenPage(settings, health, composer, build_page(composer, settings, health.answers), say)
    except BaseException:
        composer.close()
        raise


def launch_options(settings: AppSettings, health: Health) -> dict[str, Any]:
    async def answer_health(request: Request) -> JSONResponse:
        code, report = health.report()
        return JSONResponse(report, code, headers={"Cache-Control": "no-store"})

    return {
        "server_name": settings.host,
        "server_port": settings.port,
        "theme": theme.theme(),
        "head": theme.head(),
        "footer_links": [],
        "run_history": False,
        "show_error": False,
        "ssr_mode": settings.ssr,
        "mcp_server": settings.mcp and _has_mcp(),
        "share": False,
        "pwa": False,
        "enable_monitoring": False,
        "quiet": True,
        "max_file_size": "1mb",
        "blocked_paths": [] if settings.uploads else [str(ROOT)],
        "state_session_capacity": settings.sessions,
        "app_kwargs": {
            "routes": [
                *(Route(path, answer_health) for path in PATHS),
                downloads_of(settings).route(),
                picture_route(),
            ],
            "exception_handlers": {RequestValidationError: told_what_does_not_fit},
            "middleware": [
                Middleware(Intake, check=check, unread=UPLOADS if settings.uploads else ()),
                Middleware(Guard, uploads=settings.uploads),
                Middleware(Streams, most=most_streams()),
                Middleware(Presence),
                Middleware(Preview, public_url=public_url(settings)),
            ],
        },
    }


def close_page(page: gr.Blocks) -> None:
    """Gradio's own `close` leaves Node running, with the port, where it stands in front."""
    page.close(verbose=False)
    node = getattr(page, "node_process", None)
    if node is not None:
        stop_node_process(node)


def _has_mcp() -> bool:
    """True. Raises SettingsError where the package is missing."""
    if importlib.util.find_spec("mcp") is None:
        raise SettingsError("COMPOSER_MCP is set, but the package mcp is missing. Install gradio[mcp], or unset it.")
    return True


def _shown(host: str) -> str:
    """For a person to open."""
    return "localhost" if host in ("127.0.0.1", "0.0.0.0") else host
