"""What a bank answers to every case study: computed by `composer cases`, and kept beside the cases for the gallery."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from composer.bank.manifest import BANK_FILE, Bank, sha256_of
from composer.config import ROOT
from composer.errors import ComposerError
from composer.lineup import BASE
from composer.pipeline import Composer
from composer.retrieval.build import Progress
from composer.ui.cases import Case
from composer.ui.inputs import default_inputs
from composer.ui.words.agreement import groups, verdict

RESULTS = ROOT / "assets" / "results"


def outcomes_of(composer: Composer, cases: Sequence[Case], *, progress: Progress) -> dict[str, dict[str, Any]]:
    """slug -> outcome, under the bank's own settings."""
    found = {}
    for done, case in enumerate(cases, start=1):
        found[case.slug] = outcome(composer, case)
        progress(done, len(cases))
    return found


def outcome(composer: Composer, case: Case) -> dict[str, Any]:
    """Verdict, the votes behind it, how many differ from the base and how many are right (None where nobody can know),
    and the heaviest task."""
    inputs = case.inputs(default_inputs(composer.default_settings()))
    trace = composer.explain(inputs.query(), inputs.settings())
    task, weight = trace.weights.kept[0]
    camps = groups(trace, inputs.methods)
    return {
        "verdict": verdict(trace, inputs.methods),
        "votes": [len(names) for _, names in camps],
        "flips": sum(len(names) for option, names in camps if option != trace.prediction(BASE).chosen),
        "right": None if case.gold is None else sum(len(names) for option, names in camps if option == case.gold),
        "task": task,
        "weight": round(weight, 3),
    }


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
        raise ComposerError(f"{path.name} is damaged: {error}. Run `python -m composer cases` again.") from error


def write_outcomes(bank: Bank, outcomes: dict[str, dict[str, Any]], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"bank_sha256": _identity(bank), "cases": outcomes}, indent=1) + "\n", encoding="utf-8")


def _identity(bank: Bank) -> str:
    """bank.toml holds the hash of every file that can change an answer."""
    return sha256_of(bank.folder / BANK_FILE)
