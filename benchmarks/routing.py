"""Does retrieval find a question's own task? Asked with real rows of the data sets, which the project does not hold.

    python -m benchmarks.routing --data FOLDER --docs

FOLDER holds `<task>/dev.jsonl`, whose questions are routed through two indexes: the bank's own examples, and
`<task>/train.jsonl`, built as `composer index build` builds one. `--index own` or `real` measures one of them. With
`--docs` the results of both become docs/routing.md and its pictures; what is not measured is taken from `--results`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.questions import own_examples
from benchmarks.routing_build import build, own
from benchmarks.routing_page import write
from benchmarks.routing_rows import Router, Samples, own_samples, published, question, real_samples
from composer.bank.manifest import load_bank
from composer.config import DEFAULT_BANK, ROOT, AppSettings
from composer.errors import ComposerError, SettingsError
from composer.indexing import open_index
from composer.reports import ProgressLine
from composer.retrieval.encoder import Encoder
from composer.retrieval.index import SearchIndex
from composer.tasks.sources import FolderSource

BUILT = ROOT / ".cache" / "routing"
INDEXES = ("own", "real")


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        results = _results(arguments)
        if arguments.docs and (missing := [name for name in INDEXES if name not in results]):
            raise SettingsError(
                f"the page needs both indexes, and {missing[0]!r} was not measured. Name --results too."
            )
    except ComposerError as error:
        print(f"routing: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    shown = {name: {key: results[name][key] for key in ("build", "question")} for name in INDEXES if name in results}
    print(json.dumps(shown, indent=1))
    if arguments.docs:
        print(f"Written: {write(results)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks.routing", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="real rows: <task>/train.jsonl and dev.jsonl")
    parser.add_argument(
        "--index", choices=(*INDEXES, "both"), default="both", help="of the bank's examples, or of rows"
    )
    parser.add_argument("--bank", default=DEFAULT_BANK, metavar="NAME|FOLDER", help="whose examples `own` are")
    parser.add_argument("--built", type=Path, default=BUILT, metavar="DIR", help="where the index of real rows is kept")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all results there")
    parser.add_argument("--results", type=Path, metavar="FILE", help="take from there what is not measured")
    parser.add_argument("--docs", action="store_true", help="write docs/routing.md and its pictures")
    return parser


def _results(arguments: argparse.Namespace) -> dict[str, Any]:
    known = json.loads(arguments.results.read_text(encoding="utf-8")) if arguments.results else {}
    if known and arguments.data is None:
        return known
    if arguments.data is None or not arguments.data.is_dir():
        raise SettingsError(
            "this needs real rows of the data sets, and the project holds none. Name a folder with "
            "<task>/train.jsonl and <task>/dev.jsonl: --data FOLDER."
        )
    source, wanted = FolderSource(arguments.data), INDEXES if arguments.index == "both" else (arguments.index,)
    if "own" in wanted:
        known["own"] = measure_own(source, arguments.bank, AppSettings.from_env(os.environ).cache_dir)
    if "real" in wanted:
        known["real"] = measure_real(source, arguments.built)
    return {**known, "published": published()}


def measure_own(source: FolderSource, bank_name: str, cache_dir: Path) -> dict[str, Any]:
    """The questions of `source` through the bank's own examples, as the page routes them."""
    bank = load_bank(bank_name, ready=False)
    encoder = Encoder(bank.encoder)
    examples = own_examples(bank)
    with closing(open_index(bank, encoder, cache_dir, progress=ProgressLine("Index, rows", sys.stderr))) as index:
        return {"build": own(bank, examples), **_routed(source, index, encoder, own_samples(examples), "own")}


def measure_real(source: FolderSource, folder: Path) -> dict[str, Any]:
    """The same through an index of the rows to train on."""
    built, encoder = build(source, folder), Encoder()
    with closing(SearchIndex.open(folder, encoder.sha256)) as index:
        return {"build": built, **_routed(source, index, encoder, real_samples(source), "real")}


def _routed(source: FolderSource, index: SearchIndex, encoder: Encoder, samples: Samples, name: str) -> dict[str, Any]:
    progress = ProgressLine(f"Routing ({name}), tasks", sys.stderr)
    asked = question(index, encoder)
    routed = {form: Router(source, index, encoder, form, samples).all(progress) for form in ("typed", "hinted")}
    return {"question": asked, "routing": routed}


if __name__ == "__main__":
    sys.exit(main())
