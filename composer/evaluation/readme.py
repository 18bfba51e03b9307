"""The results file as a table in README.md, so that no figure there is typed by hand. `make results` runs it."""

from __future__ import annotations

import json
from typing import Any

from composer.config import ROOT
from composer.errors import SettingsError

START, END = "<!-- results -->", "<!-- /results -->"
RESULTS = ROOT / "assets" / "results" / "embedded.json"
README = ROOT / "README.md"


def markdown(results: dict[str, Any]) -> str:
    """Accuracy in per cent, a row per task, the means below; then how often retrieval leads to the own task."""
    strategies = list(results["mean"])
    lines = [
        f"| task | {' | '.join(strategies)} | rows |",
        f"|---|{'---:|' * (len(strategies) + 1)}",
        *(_row(task, tallies, strategies, task in results["held_out"]) for task, tallies in results["tasks"].items()),
        f"| **mean of the tasks with an adapter** | {_cells(results['mean'], strategies)} | |",
    ]
    if results["held_out_mean"]:
        lines.append(f"| mean of the held-out tasks | {_cells(results['held_out_mean'], strategies)} | |")
    with_hint = results["retrieval"]["mean"]
    typed = with_hint["as_typed"]
    lines += [
        "",
        "Retrieval: with the task's hint, as the index has it, a test question's own task is the heaviest one for "
        f"{_percent(with_hint['heaviest'])} % and in the nucleus for {_percent(with_hint['in_nucleus'])} %; typed "
        f"without the hint, for {_percent(typed['heaviest'])} % and {_percent(typed['in_nucleus'])} %.",
    ]
    return "\n".join(lines)


def insert(readme: str, table: str) -> str:
    """The text with what stands between the two markers replaced. Raises SettingsError where a marker is missing."""
    before, found_start, rest = readme.partition(START)
    _, found_end, after = rest.partition(END)
    if not found_start or not found_end:
        raise SettingsError(f"README.md has no {START} … {END}. Put both back.")
    return f"{before}{START}\n{table}\n{END}{after}"


def _row(task: str, tallies: dict[str, Any], strategies: list[str], held_out: bool) -> str:
    cells = _cells({name: tally["accuracy"] for name, tally in tallies.items()}, strategies)
    rows = next(iter(tallies.values()))["n"]
    return f"| {task}{' (held out)' if held_out else ''} | {cells} | {rows} |"


def _cells(accuracies: dict[str, float], strategies: list[str]) -> str:
    return " | ".join(_percent(accuracies[name]) if name in accuracies else "–" for name in strategies)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


if __name__ == "__main__":
    table = markdown(json.loads(RESULTS.read_text(encoding="utf-8")))
    README.write_text(insert(README.read_text(encoding="utf-8"), table), encoding="utf-8")
