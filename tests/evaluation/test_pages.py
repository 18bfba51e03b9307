"""README.md and docs/evaluation.md say what the results files say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from composer.errors import SettingsError
from composer.evaluation import pages
from composer.evaluation.document import HARNESS, document
from composer.evaluation.pages import END, START, Results, insert, short_table, with_figures
from composer.evaluation.results_file import write_results

from .made import COPA, MADE, graded

FULL = {
    "base": "10000000",
    "own": "11111111",
    "top1, typed": "11110000",
    "lorauter, typed": "11000000",
    "smear, typed": "11100000",
    "lorahub": "11111111",
    "cat, typed": "11111100",
    "cat, typed, unseen": "11000000",
}
TEST = graded(FULL)


def lines_of(results: Results) -> dict[str, list[str]]:
    rows = (line.split("|")[1:-1] for line in short_table(results).splitlines() if line.startswith("|"))
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}


def test_each_group_has_a_row_and_a_missing_figure_a_dash() -> None:
    lines = lines_of(Results(TEST, None))
    assert list(lines)[0] == "" and lines[""] == ["seen", "unseen"]
    assert lines["Base model"] == ["12.5 (0.0–28.7)", "12.5 (0.0–28.7)"]
    assert lines["Own adapter"] == ["100.0 (100.0–100.0)", "–"]
    assert lines["Heaviest adapter"] == ["50.0 (25.5–74.5)", "–"]
    assert lines["Concatenation"] == ["75.0 (53.8–96.2)", "25.0 (3.8–46.2)"]
    assert lines["TIES"] == lines["Soup"] == ["–", "–"]
    assert "Mean over 2 tasks with its 95 % interval, 16 test rows, in per cent." in short_table(Results(TEST, None))


def test_the_best_other_strategy_is_chosen_on_development_rows_and_knows_only_the_question() -> None:
    dev = graded({**FULL, "lorauter, typed": "11111110"}, split="dev")
    assert "Best strategy of other papers: LoRAuter" in lines_of(Results(TEST, dev))
    assert "was decided on the development rows" in short_table(Results(TEST, dev))
    assert "Best strategy of other papers: SMEAR" in lines_of(Results(TEST, None))
    assert "which flatters it" in short_table(Results(TEST, None))
    assert lines_of(Results(MADE, None))["Best strategy of other papers"] == ["–", "–"]


def test_where_retrieval_leads_is_one_line() -> None:
    assert "heaviest for 50.0 % and in the nucleus for 100.0 % of the rows" in short_table(Results(TEST, None))
    unrouted = replace(MADE, tasks=(replace(COPA, routed=()),))
    assert "Where retrieval leads: –." in short_table(Results(unrouted, None))


def test_only_what_stands_between_the_markers_changes() -> None:
    assert insert(f"a {START} old {END} b", "new", (START, END)) == f"a {START}\nnew\n{END} b"


@pytest.mark.parametrize("readme", ["nothing", f"no end {START}", f"no start {END}"])
def test_a_missing_marker_is_one_sentence(readme: str) -> None:
    with pytest.raises(SettingsError, match="Put both back"):
        insert(readme, "new", (START, END))


def test_what_another_command_wrote_between_its_markers_stays() -> None:
    start, end = HARNESS
    before = f"# Old\n\n{start}\n| a | b |\n\nWords.\n{end}\n\nOld end."
    text = with_figures(before, Results(TEST, None))
    assert f"{start}\n| a | b |\n\nWords.\n{end}" in text
    assert "Old" not in text
    assert with_figures(text, Results(TEST, None)) == text
    assert (
        with_figures("", Results(TEST, None))
        == with_figures(f"{start}\n{end}", Results(TEST, None))
        == document(TEST, None)
    )


def written(folder: Path, **evaluations: object) -> None:
    for name, evaluation in evaluations.items():
        write_results(folder / f"{pages.DEFAULT_BANK}-{name}.json", evaluation)  # type: ignore[arg-type]


def test_the_command_writes_both_pages_from_the_files(cli, refused, tmp_path: Path, monkeypatch) -> None:
    readme, text = tmp_path / "README.md", tmp_path / "evaluation.md"
    readme.write_text(f"Before\n{START}{END}\nAfter\n")
    monkeypatch.setattr(pages, "RESULTS", tmp_path)
    command = ("results", "--readme", readme, "--document", text)
    refused(cli(*command), "test.json cannot be read .*Write it with `evaluate --output")
    written(tmp_path, test=TEST)
    ended = cli(*command)
    assert (ended.status, ended.out) == (0, f"Written: {readme}, {text}\n")
    results = pages.read(tmp_path)
    assert results.dev is None
    assert readme.read_text() == f"Before\n{START}\n{short_table(results)}\n{END}\nAfter\n"
    assert text.read_text() == document(results.test, None)
    written(tmp_path, dev=replace(TEST, split="dev"))
    cli(*command)
    assert "**Development rows**: 16 rows" in text.read_text()


def test_a_file_that_is_damaged_or_not_there_is_one_sentence(cli, refused, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(pages, "RESULTS", tmp_path)
    written(tmp_path, test=TEST)
    text = tmp_path / "evaluation.md"
    refused(
        cli("results", "--readme", tmp_path / "none.md", "--document", text), "none.md. cannot be used .No such file"
    )
    (tmp_path / f"{pages.DEFAULT_BANK}-dev.json").write_text("{")
    refused(cli("results", "--readme", tmp_path / "none.md", "--document", text), "dev.json cannot be read")
