"""What the running page holds: started as a person starts it, and asked the bank's own questions over HTTP."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from tempfile import TemporaryDirectory
from time import monotonic, sleep

from benchmarks.compare import questions_of
from benchmarks.plan import Plan
from composer.bank.manifest import load_bank
from composer.config import ROOT
from composer.errors import ComposerError
from composer.types import Query

START_LIMIT_S = 600
_RUSAGE_BYTES = 1 if sys.platform == "darwin" else 1024


def measure(plan: Plan) -> dict[str, object]:
    questions = questions_of(load_bank("embedded"))[: 3 if plan.quick else 40]
    with TemporaryDirectory() as cache, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
        probe.close()
        environment = {
            **os.environ,
            "COMPOSER_CACHE": cache,
            "COMPOSER_BANK": "embedded",
            "GRADIO_SERVER_NAME": "127.0.0.1",
            "GRADIO_SERVER_PORT": port,
            "GRADIO_ANALYTICS_ENABLED": "False",
        }
        app = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _ask(app, int(port), questions, plan)
        finally:
            app.terminate()
            _, _, usage = os.wait4(app.pid, 0)
            app.returncode = 0  # it was waited for here, where its peak is told
    return {"peak_rss_mb": round(usage.ru_maxrss * _RUSAGE_BYTES / 1e6, 1), "questions": len(questions)}


def _ask(app: subprocess.Popen, port: int, questions: tuple[Query, ...], plan: Plan) -> None:
    from gradio_client import Client

    _await(app, port)
    client = Client(f"http://127.0.0.1:{port}", verbose=False)
    progress = plan.progress("memory, questions")
    for number, query in enumerate(questions, start=1):
        client.predict(
            question=query.text, options=list(query.options), passage=query.context or "", api_name="/compare"
        )
        progress(number, len(questions))


def _await(app: subprocess.Popen, port: int) -> None:
    """Raises ComposerError where the app ends, or does not answer in ten minutes."""
    limit = monotonic() + START_LIMIT_S
    while monotonic() < limit and app.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        sleep(0.5)
    raise ComposerError("the app did not start. Run `python app.py` to see why.")
