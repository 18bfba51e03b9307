"""What the running page holds: started as a person starts it, and asked the bank's own examples over HTTP."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.plan import Plan
from benchmarks.processes import peak_mb
from benchmarks.questions import own_examples, typed
from benchmarks.server import started
from composer.bank.manifest import load_bank


def measure(plan: Plan) -> dict[str, object]:
    from gradio_client import Client

    bank = load_bank(plan.bank)
    questions = typed(own_examples(bank))[: 3 if plan.quick else 40]
    progress = plan.progress("memory, questions")
    with TemporaryDirectory() as folder, started(Path(folder) / "app.log", bank) as server:
        client = Client(server.address, verbose=False)
        for number, query in enumerate(questions, start=1):
            asked = {"question": query.text, "options": list(query.options), "passage": query.context or ""}
            client.predict(**asked, api_name="/compare")
            progress(number, len(questions))
        return {"peak_rss_mb": round(peak_mb(server.pid), 1), "questions": len(questions)}
