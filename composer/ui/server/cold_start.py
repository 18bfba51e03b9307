"""The port while the bank is still being opened: it is taken at once, and whoever comes is told to wait."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from composer.config import AppSettings
from composer.errors import ComposerError
from composer.ui.server.health import PATHS, Health

PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="3">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="color-scheme" content="light dark">'
    '<title>Adapter Composer</title><body style="font: 1rem/1.5 system-ui, sans-serif; margin: 20vh auto;'
    ' max-width: 32rem; padding: 0 1rem"><h1>Adapter Composer is starting</h1>'
    "<p>The bank is being opened: under a minute, or some minutes the first time. This page opens by itself.</p>"
)


@contextmanager
def cold_start(settings: AppSettings, health: Health) -> Iterator[None]:
    """Raises ComposerError where the port cannot be had: found out before minutes of loading, not after."""
    server = _listen(settings, health)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="cold start", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _listen(settings: AppSettings, health: Health) -> ThreadingHTTPServer:
    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: object) -> None:
            """A visitor who has gone away is no news."""

    try:
        return Server((settings.host, settings.port), _answering(health))
    except OSError as error:
        raise ComposerError(
            f"port {settings.port} of {settings.host} cannot be used ({error.strerror}). "
            "Stop what listens there, or set GRADIO_SERVER_PORT to another port."
        ) from error


def _answering(health: Health) -> type[BaseHTTPRequestHandler]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802 - the library's name
            code, report = health.report()
            asked = self.path.partition("?")[0] in PATHS
            body = (json.dumps(report) if asked else PAGE).encode()
            self.send_response(code if asked else 503)
            self.send_header("Content-Type", "application/json" if asked else "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Retry-After", "3")
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        do_HEAD = do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            pass

    return Answer
