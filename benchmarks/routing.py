"""Does retrieval find a question's own task? On real rows of the 22 data sets, which the project does not hold.

    python -m benchmarks.routing --data FOLDER --docs

FOLDER holds `<task>/train.jsonl`, from which an index is built as `composer index build` builds one, and
`<task>/dev.jsonl`, whose questions are then routed. With `--docs` the result becomes docs/routing.md and its picture.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.routing_build import build
from benchmarks.routing_page import write
from benchmarks.routing_rows import Router, published, question
from composer.config import ROOT
from composer.errors import ComposerError, SettingsError
from composer.reports import ProgressLine
from composer.retrieval.encoder import Encoder
from composer.retrieval.index import SearchIndex
from composer.tasks.sources import FolderSource

INDEX = ROOT / ".cache" / "routing"


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        results = _results(arguments)
    except ComposerError as error:
        print(f"routing: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    print(json.dumps({key: results[key] for key in ("build", "question")}, indent=1))
    if arguments.docs:
        print(f"Written: {write(results)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks.routing", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="real rows: <task>/train.jsonl and dev.jsonl")
    parser.add_argument("--index", type=Path, default=INDEX, metavar="DIR", help="where the index is kept")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all results there")
    parser.add_argument("--results", type=Path, metavar="FILE", help="take them from there: nothing is measured")
    parser.add_argument("--docs", action="store_true", help="write docs/routing.md and docs/images/routing.svg")
    return parser


def _results(arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.results:
        return json.loads(arguments.results.read_text(encoding="utf-8"))
    if arguments.data is None or not arguments.data.is_dir():
        raise SettingsError(
            "this needs real rows of the data sets, and the project holds none. Name a folder with "
            "<task>/train.jsonl and <task>/dev.jsonl: --data FOLDER."
        )
    return measure(FolderSource(arguments.data), arguments.index)


def measure(source: FolderSource, folder: Path) -> dict[str, Any]:
    built = build(source, folder)
    encoder = Encoder()
    with closing(SearchIndex.open(folder, encoder.sha256)) as index:
        progress = ProgressLine("Routing, tasks", sys.stderr)
        asked = question(index, encoder)
        routed = {form: Router(source, index, encoder, form).all(progress) for form in ("typed", "hinted")}
    return {"build": built, "question": asked, "routing": routed, "published": published()}


if __name__ == "__main__":
    sys.exit(main())
