"""The results files as the table in README.md and as docs/evaluation.md, so that no figure is typed by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from composer.config import DEFAULT_BANK, DEFAULT_METHODS, ROOT
from composer.errors import SettingsError
from composer.evaluation import markdown
from composer.evaluation.columns import PLAIN_OTHERS, best_of, column_of, interval, mean, title
from composer.evaluation.document import HARNESS, document
from composer.evaluation.markdown import DASH, paragraphs, percent, with_interval
from composer.evaluation.results import SEEN, UNSEEN, Evaluation
from composer.evaluation.results_file import read_results
from composer.evaluation.strata import found
from composer.lineup import BASE

START, END = "<!-- results -->", "<!-- /results -->"
RESULTS = ROOT / "assets" / "results"
OTHER = "Best strategy of other papers"
DOCUMENT = ROOT / "docs" / "evaluation.md"


@dataclass(frozen=True)
class Results:
    """Of the bank that ships."""

    test: Evaluation
    dev: Evaluation | None
    """None where they were not asked."""


def read(folder: Path = RESULTS) -> Results:
    """Raises SettingsError where the test rows' file is missing, or a file cannot be read."""
    dev = folder / f"{DEFAULT_BANK}-dev.json"
    return Results(
        read_results(folder / f"{DEFAULT_BANK}-test.json"),
        read_results(dev) if dev.exists() else None,
    )


def write_pages(readme: Path, evaluation: Path) -> None:
    """Raises SettingsError where a results file, or a marker in the README, is missing, or a page cannot be written."""
    results = read(RESULTS)
    readme.write_text(with_table(readme.read_text(encoding="utf-8"), results), encoding="utf-8")
    before = evaluation.read_text(encoding="utf-8") if evaluation.exists() else ""
    evaluation.write_text(with_figures(before, results), encoding="utf-8")


def with_table(readme: str, results: Results) -> str:
    return insert(readme, short_table(results), (START, END))


def with_figures(before: str, results: Results) -> str:
    """The document anew, with what another command has put between the harness markers."""
    start, end = HARNESS
    _, found_start, rest = before.partition(start)
    kept, found_end, _ = rest.partition(end)
    text = document(results.test, results.dev)
    return insert(text, kept.strip("\n"), HARNESS) if found_start and found_end and kept.strip() else text


def insert(text: str, new: str, markers: tuple[str, str]) -> str:
    """With what stands between the two markers replaced. Raises SettingsError where a marker is missing."""
    start, end = markers
    before, found_start, rest = text.partition(start)
    _, found_end, after = rest.partition(end)
    if not found_start or not found_end:
        raise SettingsError(f"README.md has no {start} … {end}. Put both back.")
    return f"{before}{start}\n{new}\n{end}{after}"


def short_table(results: Results) -> str:
    """One row of each group, and where retrieval leads."""
    test = results.test
    tasks = [one for one in test.tasks if not one.held_out]
    rows = sum(one.n for one in tasks)
    chosen_on = results.dev if results.dev and best_of(results.dev, PLAIN_OTHERS) else test
    other = best_of(chosen_on, PLAIN_OTHERS)
    names = [BASE, "own", "top1", other, *DEFAULT_METHODS, "uniform", "soup"]
    lines = [_line(test, name, OTHER if name == other else "") for name in names]
    return paragraphs(
        markdown.table(["", "seen", "unseen"], lines),
        f"Mean over {len(tasks)} tasks with its 95 % interval, {rows:,} test rows, in per cent."
        + (_chosen_on(chosen_on, test) if other else ""),
        _retrieval(test),
        "[docs/evaluation.md](docs/evaluation.md) has every task and candidate, comparisons on the same rows, kinds of "
        "errors, the paper's figures beside these, and what follows from all that.",
    )


def _line(test: Evaluation, name: str | None, group: str) -> list[str]:
    if name is None:
        return [OTHER, DASH, DASH]
    # `unseen` takes the own adapter away
    columns = [column_of(name, setting=SEEN), "" if name == "own" else column_of(name, setting=UNSEEN)]
    cells = [with_interval(mean(test, column), interval(test, column)) for column in columns]
    return [f"{group}: {title(name)}" if group else title(name), *cells]


def _chosen_on(chosen_on: Evaluation, test: Evaluation) -> str:
    if chosen_on is test:
        return " Which strategy is best was seen on these rows themselves, which flatters it."
    return " Which strategy is best was decided on the development rows."


def _retrieval(test: Evaluation) -> str:
    seen = found(test)
    if seen is None:
        return f"Where retrieval leads: {DASH}."
    return (
        f"A question's own task is the heaviest for {percent(seen.heaviest)} % and in the nucleus for "
        f"{percent(seen.in_nucleus)} % of the rows, as typed."
    )
