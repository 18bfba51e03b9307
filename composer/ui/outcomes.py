"""What a bank answers to every case study, computed by a command and kept beside the cases for the gallery.

python -m composer.ui.outcomes --bank embedded
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from composer.bank.manifest import BANK_FILE, Bank, sha256_of
from composer.config import ROOT
from composer.errors import ComposerError
from composer.pipeline import Composer
from composer.ui import cards
from composer.ui.cases import Case, load_cases
from composer.ui.inputs import Inputs, default_inputs
from composer.ui.running import answered, find, model_work

RESULTS = ROOT / "assets" / "results"


def outcome(composer: Composer, case: Case) -> dict[str, Any]:
    """Verdict, the votes behind it and the heaviest task, under the bank's own settings."""
    defaults = default_inputs(composer.default_settings())
    inputs = Inputs(case.query, "\n".join(case.options), case.context, *defaults.values()[3:])
    trace = answered(model_work(composer), find(composer, inputs))
    task, weight = trace.weights.kept[0]
    votes = [len(names) for _, names in cards.groups(trace, inputs.methods)]
    verdict = cards.verdict(trace, inputs.methods)
    return {"verdict": verdict, "votes": votes, "task": task, "weight": round(weight, 3)}


def outcomes_file(bank: str, folder: Path = RESULTS) -> Path:
    return folder / f"cases-{bank}.json"


def read_outcomes(bank: Bank, folder: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """slug -> outcome; empty where the command has not been run for this bank as it is now."""
    path = outcomes_file(bank.name, folder)
    if not path.is_file():
        return {}
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return stored["cases"] if stored["bank_sha256"] == _identity(bank) else {}
    except (ValueError, KeyError, TypeError) as error:
        raise ComposerError(f"{path.name} is damaged: {error}. Run python -m composer.ui.outcomes again.") from error


def write_outcomes(bank: Bank, outcomes: dict[str, dict[str, Any]], folder: Path = RESULTS) -> Path:
    path = outcomes_file(bank.name, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"bank_sha256": _identity(bank), "cases": outcomes}, indent=1) + "\n", encoding="utf-8")
    return path


def _identity(bank: Bank) -> str:
    """bank.toml holds the hash of every file that can change an answer."""
    return sha256_of(bank.folder / BANK_FILE)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m composer.ui.outcomes", description=__doc__.partition("\n")[0])
    parser.add_argument("--bank", default="embedded")
    bank = parser.parse_args().bank
    try:
        composer = Composer.open(bank)
        found = {case.slug: outcome(composer, case) for case in load_cases()}
        composer.close()
    except ComposerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    path = write_outcomes(composer.bank, found)
    sys.stderr.write(f"Wrote {len(found)} outcomes to {path.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
