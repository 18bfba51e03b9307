"""The results files as the table in README.md, so that no figure there is typed by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from composer.config import DEFAULT_BANK, ROOT
from composer.errors import SettingsError
from composer.lineup import LINEUP

START, END = "<!-- results -->", "<!-- /results -->"
RESULTS = ROOT / "assets" / "results"


def write_readme(readme: Path) -> Path:
    """Raises SettingsError where a results file, or a marker in the README, is missing."""
    split = {name: _read(RESULTS / f"{DEFAULT_BANK}-{name}.json") for name in ("test", "dev")}
    text = insert(readme.read_text(encoding="utf-8"), markdown(split["test"], split["dev"]))
    readme.write_text(text, encoding="utf-8")
    return readme


def markdown(test: dict[str, Any], dev: dict[str, Any]) -> str:
    """Accuracy in per cent on the test rows, a row per task; tasks without test rows from the dev rows, marked."""
    columns = test["columns"]
    only_dev = [task for task in dev["tasks"] if task not in test["tasks"] and task not in dev["held_out"]]
    lines = [
        f"| task | rows | guess | {' | '.join(map(_heading, columns))} |",
        f"|---|{'---:|' * (len(columns) + 2)}",
        *(_row(task, test, columns) for task in test["tasks"] if task not in test["held_out"]),
        *(_row(task, dev, columns, mark="\\*") for task in only_dev),
        _means("mean of test rows", test, columns),
        _means("mean of development rows", dev, columns),
        *(_row(task, test, columns, mark=" (held out)") for task in test["held_out"]),
        "",
        *(["\\* Development rows: its test rows were not asked.", ""] if only_dev else []),
        _retrieval(test),
    ]
    return "\n".join(lines)


def insert(readme: str, table: str) -> str:
    """The text with what stands between the two markers replaced. Raises SettingsError where a marker is missing."""
    before, found_start, rest = readme.partition(START)
    _, found_end, after = rest.partition(END)
    if not found_start or not found_end:
        raise SettingsError(f"README.md has no {START} … {END}. Put both back.")
    return f"{before}{START}\n{table}\n{END}{after}"


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read: {error}. Write it with `evaluate --output {path}`.") from error
    return found


def _heading(column: str) -> str:
    name, _, asked = column.partition(", ")
    return LINEUP[name].title.lower() + (f", {asked}" if asked else "")


def _row(task: str, results: dict[str, Any], columns: list[str], mark: str = "") -> str:
    found = results["tasks"][task]
    cells = {name: cell["accuracy"] for name, cell in found["columns"].items()}
    return f"| {task}{mark} | {found['n']} | {_percent(found['majority'] / found['n'])} | {_cells(cells, columns)} |"


def _means(label: str, results: dict[str, Any], columns: list[str]) -> str:
    rows = sum(found["n"] for task, found in results["tasks"].items() if task not in results["held_out"])
    return f"| **{label}** | {rows:,} | | {_cells(results['mean'], columns)} |"


def _cells(accuracies: dict[str, float], columns: list[str]) -> str:
    return " | ".join(_percent(accuracies[name]) if name in accuracies else "–" for name in columns)


def _retrieval(results: dict[str, Any]) -> str:
    parts = [
        f"{way}, {_percent(shares['heaviest'])} % and {_percent(shares['in_nucleus'])} %"
        for way, shares in results["retrieval"]["mean"].items()
    ]
    return f"A test question's own task is the heaviest, and in the nucleus: {'; '.join(parts)}."


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
