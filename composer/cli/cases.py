"""`cases`: what a bank answers to every case study, for the page's gallery."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from composer.cli.common import Arguments, Commands, bank_of, command, open_composer, show

if TYPE_CHECKING:
    from composer.ui.cases import Case


def add(commands: Commands) -> None:
    parser = command(commands, "cases", cases, "answer every case study and keep what came out for the page")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="default: assets/results/cases-<bank>.json, which the page reads"
    )


def cases(arguments: Arguments) -> None:
    from composer.evaluation.results_file import check_writable
    from composer.reports import ProgressLine
    from composer.ui.cases import load_cases
    from composer.ui.outcomes import outcomes_file, outcomes_of, write_outcomes

    bank, studies = bank_of(arguments), load_cases()
    path = arguments.output or outcomes_file(bank.name)
    check_writable(path)
    with closing(open_composer(bank)) as composer:
        found = outcomes_of(composer, studies, progress=ProgressLine("Asking, cases", sys.stderr))
    write_outcomes(bank, found, path)
    print(f"Written: {path}", file=sys.stderr)
    show({"bank": bank.name, "cases": found} if arguments.json else _report(studies, found))


def _report(studies: tuple[Case, ...], found: dict[str, dict[str, Any]]) -> str:
    """A line per case: how many merges are right, whether they agree, and the heaviest task."""
    from composer.evaluation.table import aligned
    from composer.reports import shown

    rows = [["Case", "right", "agreement", "heaviest task"]]
    for case in studies:
        one = found[case.slug]
        right = "?" if one["right"] is None else f"{one['right']} of {sum(one['votes'])}"
        rows.append([shown(case.title, 40), right, one["verdict"], f"{one['task']} {one['weight']:.2f}"])
    return aligned(rows)
