"""One start: `python -m benchmarks.start_process BANK CACHE` answers a question and prints what it held as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.processes import peak_mb
from benchmarks.questions import SHORT
from composer.pipeline import Composer


def run(bank: Path, cache: Path) -> dict[str, object]:
    composer = Composer.open(bank, cache_dir=cache, device="cpu")
    try:
        answers = composer.explain(SHORT[0]).predictions
        return {"answers": len(answers), "peak_rss_mb": peak_mb()}
    finally:
        composer.close()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(Path(sys.argv[1]), Path(sys.argv[2]))))
