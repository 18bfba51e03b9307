"""`bench`: the engine beside PEFT, measured on this machine."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from composer.cli.common import Arguments, Commands, command, names, show
from composer.config import ROOT
from composer.errors import SettingsError


def add(commands: Commands) -> None:
    parser = command(
        commands, "bench", bench, "measure merging and answering beside PEFT", one_bank=False, prints=False
    )
    parser.add_argument("--only", type=names, metavar="M,…", help="merge, compare, bank_scaling, …; default: all")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="cuda measures a 7b model in 4 bits")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results there")
    parser.add_argument("--full", action="store_true", help="also an index of a million vectors")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: only shows that everything runs")


def bench(arguments: Arguments) -> None:
    if not (ROOT / "benchmarks" / "run.py").is_file():
        raise SettingsError(
            f"the folder {ROOT / 'benchmarks'} is missing: benchmarks come with the repository, not with the package. "
            "Run this in a checkout."
        )
    sys.path.insert(0, str(ROOT))
    from benchmarks.plan import Plan
    from benchmarks.report import page, write
    from benchmarks.run import chosen, run

    wanted = chosen(arguments.only, arguments.device)
    results = run(wanted, Plan(arguments.device, arguments.quick, arguments.full))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    # A part of the whole must not replace the page.
    if not arguments.quick and wanted == chosen(None, arguments.device):
        sys.stderr.write(f"Written: {write(results, arguments.device)}\n")
    show(page(results))
