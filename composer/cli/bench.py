"""`bench`: the engine beside PEFT, measured on this machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from composer.cli.common import Arguments, Commands, app_settings, command, names, show
from composer.config import DEFAULT_BANK, ROOT
from composer.errors import ComposerError, SettingsError


def add(commands: Commands) -> None:
    parser = command(
        commands, "bench", bench, "measure merging, answering, starting and training beside PEFT", prints=False
    )
    parser.add_argument("--only", type=names, metavar="M,…", help="merge, compare, bank_scaling, …; default: all")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="cuda: answering in 4 bits, at 7b too")
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
    from benchmarks.attempt import errors_in
    from benchmarks.plan import Plan
    from benchmarks.report import page, write
    from benchmarks.run import chosen, run

    wanted, settings = chosen(arguments.only, arguments.device), app_settings()
    _check_device(arguments.device)
    bank = arguments.bank or settings.bank
    plan = Plan(arguments.device, arguments.quick, arguments.full, bank, settings.cache_dir)
    results = run(wanted, plan, lambda found: _keep(found, arguments.json))
    broken = errors_in(results)
    # A part of the whole must not replace the page.
    whole = not arguments.quick and not broken and wanted == chosen(None, arguments.device) and bank == DEFAULT_BANK
    if whole:
        sys.stderr.write(f"Written: {write(results, arguments.device)}\n")
    show(page(results))
    if broken:
        raise ComposerError(f"not everything could be measured: {'; '.join(broken)}. What was measured is shown.")


def _keep(results: Mapping[str, object], file: Path | None) -> None:
    """After every measurement, as the next one may end the process."""
    if file:
        file.write_text(json.dumps(results, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _check_device(device: str) -> None:
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise SettingsError("--device cuda measures on a GPU, and torch sees none here. Run it on a machine with one.")
