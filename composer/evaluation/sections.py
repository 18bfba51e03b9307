"""The tables of docs/evaluation.md: means, tasks, normalizations, pairs, and conditions."""

from __future__ import annotations

from collections.abc import Sequence

from composer.config import DEFAULT_BANK
from composer.evaluation.choices import SETTINGS
from composer.evaluation.columns import (
    HINTED,
    MAIN,
    MERGES,
    OTHERS,
    REFERENCES,
    TYPED,
    candidates_in,
    column_of,
    interval,
    mean,
    title,
)
from composer.evaluation.comparing import agreement, by_task, common, compare, right
from composer.evaluation.markdown import DASH, difference, paragraphs, percent, table, with_interval
from composer.evaluation.results import SEEN, UNSEEN, Evaluation, TaskResult
from composer.evaluation.statistics import SIGNIFICANCE
from composer.evaluation.strata import Stratum, by_nearest, by_size, found
from composer.lineup import BASE, LINEUP


def lacking(what: str, options: str = "", split: str = "test") -> str:
    """A sentence for a section without data."""
    file = f"assets/results/{DEFAULT_BANK}-{split}.json"
    return (
        f"{what} not measured yet: `composer evaluate --source FOLDER --split {split}{options} --output {file}`, then "
        "`composer results`."
    )


def means(test: Evaluation, dev: Evaluation | None) -> str:
    splits = [one for one in (dev, test) if one]
    parts = [_means(asked, splits) for asked in (TYPED, HINTED)]
    unseen = any(candidates_in(one, setting=UNSEEN) != candidates_in(one, setting=SEEN) for one in splits)
    return paragraphs(
        *parts,
        None if dev else lacking("Development rows were", split="dev"),
        lacking("Some candidates without the row's own adapter were", " --setting seen,unseen") if unseen else None,
    )


def _means(asked: str, splits: Sequence[Evaluation]) -> str | None:
    keys = [(one, setting) for one in splits for setting in (SEEN, UNSEEN)]
    rows = []
    for name in LINEUP:
        columns = [(one, column_of(name, asked, setting), setting) for one, setting in keys]
        if any(column in one.columns for one, column, _ in columns):
            rows.append([title(name), *(_mean_cell(*key) for key in columns)])
    if not rows or not any(asked in column for one in splits for column in one.columns):
        return None
    header = [f"Asked {asked}", *(f"{one.split}, {setting}" for one, setting in keys)]
    return table(header, rows)


def _mean_cell(evaluation: Evaluation, column: str, setting: str) -> str:
    if column == "own" and setting == UNSEEN:
        return DASH
    return with_interval(mean(evaluation, column), interval(evaluation, column))


def per_task(test: Evaluation, dev: Evaluation | None) -> str:
    parts = []
    for setting in (SEEN, UNSEEN):
        names = [name for name in candidates_in(test, setting=setting) if setting == SEEN or name != "own"]
        columns = [column_of(name, setting=setting) for name in names]
        if not any(setting == SEEN or column.endswith(UNSEEN) for column in columns):
            parts.append(lacking("Tasks whose own adapter is taken away were", " --setting seen,unseen"))
            continue
        header = [f"{setting}, typed", "rows", "guess", *names]
        parts.append(table(header, [_task_row(*one, columns, test, dev) for one in _tasks(test, dev)]))
    mark = any(marked for _, marked in _tasks(test, dev))
    note = "*Guess* is the share of the most frequent right answer's place." + (
        " \\* Development rows: test rows of this task were not asked." if mark else ""
    )
    return paragraphs(*parts, note)


def _tasks(test: Evaluation, dev: Evaluation | None) -> list[tuple[TaskResult, bool]]:
    """Those of the test rows, and of the development rows those that have no test rows, marked."""
    there = {one.task for one in test.tasks}
    only_dev = [one for one in (dev.tasks if dev else ()) if one.task not in there and not one.held_out]
    return [*((one, False) for one in test.tasks), *((one, True) for one in only_dev)]


def _task_row(
    one: TaskResult, only_dev: bool, columns: Sequence[str], test: Evaluation, dev: Evaluation | None
) -> list[str]:
    evaluation = dev if only_dev and dev else test
    how, cells = evaluation.settings.score.normalization, dict(one.cells)
    name = one.task + ("\\*" if only_dev else "") + (" (no adapter)" if one.held_out else "")
    accuracies = (percent(cells[column].accuracy(how)) if column in cells else DASH for column in columns)
    return [name, str(one.n), percent(one.majority / one.n), *accuracies]


def normalizations(test: Evaluation) -> str:
    names = candidates_in(test)
    by_rule = {how: dict(test.means(how)) for how in test.normalizations}
    rows = [[title(name), *(percent(by_rule[how].get(column_of(name))) for how in by_rule)] for name in names]
    return paragraphs(
        "The same answers scored in other ways; mean over tasks of the test rows, seen, typed.",
        table(["", *by_rule], rows),
        None if "pmi" in by_rule else lacking("What the question adds to each option (`pmi`) was", " --pmi"),
    )


def comparisons(test: Evaluation) -> str:
    return paragraphs(
        "Difference in percentage points over all rows of all tasks that have an adapter, the row's candidate less the "
        "column's. A task with more rows weighs more here than in a mean over tasks.",
        *(part for setting in (SEEN, UNSEEN) for part in _compared(test, setting)),
        _significant(test),
    )


def _compared(test: Evaluation, setting: str) -> list[str]:
    there = candidates_in(test, setting=setting)
    merges = [name for name in MERGES if name in there]
    others = [name for name in OTHERS if name in there]
    references = [name for name in REFERENCES if name in there]
    if not merges:
        return [lacking(f"The merges were, in the setting *{setting}*,", f" --setting {setting}")]
    parts = [_matrix(test, setting, f"Methods, {setting}", merges, references)]
    if "cat" in merges and others:
        parts.append(_matrix(test, setting, f"Strategies, {setting}", others, ["cat"]))
    return parts


def _matrix(test: Evaluation, setting: str, corner: str, rows: Sequence[str], columns: Sequence[str]) -> str:
    def of(name: str) -> str:
        return column_of(name, setting=setting)

    lines = [[title(one), *(difference(compare(test, of(one), of(other))) for other in columns)] for one in rows]
    return table([corner, *(f"− {title(name)}" for name in columns)], lines)


def _significant(test: Evaluation) -> str:
    parts = []
    for other in ("top1", BASE):
        every = by_task(test, column_of("cat"), column_of(other))
        sure = [(task, one) for task, one in every if not one.may_be_chance]
        text = "; ".join(f"{task} {difference(one)}" for task, one in sure) or "none"
        chance = SIGNIFICANCE * len(every)
        parts.append(
            f"Tasks where Concatenation and {title(other)} differ by more than chance (seen; of {len(every)} tasks "
            f"about {chance:.0f} would by chance alone): {text}."
        )
    return paragraphs(*parts)


def same_options(test: Evaluation) -> str:
    names = [name for name in MAIN if name in candidates_in(test)]
    rows = [
        [title(one), *(percent(agreement(test, column_of(one), column_of(other))) for other in names)] for one in names
    ]
    return paragraphs(
        "Share of the rows for which two candidates choose the same option, right or wrong; seen, typed.",
        table(["", *names], rows),
    )


def conditions(test: Evaluation) -> str:
    if found(test) is None:
        return lacking("Where retrieval leads was")
    return paragraphs(
        "Accuracy on the rows with so many tasks in the nucleus (seen, typed). Which rows these are differs from task "
        "to task, so a column read downwards compares tasks too; the last columns compare on the same rows.",
        _strata(test, "Tasks in the nucleus", by_size(test)),
        "The same by the cosine similarity of the nearest example, in quarters of all rows.",
        _strata(test, "Nearest example", by_nearest(test)),
        "With less in the index, or without the row's task or family: means over tasks.",
        _settings(test),
    )


def _strata(test: Evaluation, corner: str, strata: Sequence[Stratum]) -> str:
    names = [name for name in (BASE, "top1", "cat") if name in candidates_in(test)]
    pairs = [pair for pair in (("cat", "top1"), ("cat", BASE)) if set(pair) <= set(names)]
    rows = []
    for one in strata:
        answers = [right(common(test, column_of(name)), column_of(name), one.mask) for name in names]
        shares = [percent(sum(rows) / len(rows)) if rows else DASH for rows in answers]
        against = [difference(compare(test, column_of(a), column_of(b), one.mask)) for a, b in pairs]
        rows.append([one.name, str(len(answers[0]) if answers else 0), *shares, *against])
    return table([corner, "rows", *map(title, names), *(f"{title(a)} − {title(b)}" for a, b in pairs)], rows)


def _settings(test: Evaluation) -> str:
    rows, missing = [], []
    for setting in SETTINGS:
        seen = found(test, setting=setting)
        if seen is None:
            missing.append(setting)
            continue
        cells = [_mean_cell(test, column_of(name, setting=setting), setting) for name in ("cat", "top1")]
        away = SETTINGS[setting].withholds != "nothing"
        shares = [DASH if away else percent(share) for share in (seen.heaviest, seen.in_nucleus)]
        rows.append([setting, *cells, *shares, f"{seen.size:.1f}", f"{seen.nearest:.2f}"])
    header = ["", title("cat"), title("top1"), "own heaviest", "own in nucleus", "tasks in nucleus", "nearest example"]
    sentence = (
        lacking(f"In other settings: {', '.join(missing)},", f" --setting {','.join(SETTINGS)}") if missing else None
    )
    return paragraphs(table(header, rows), sentence)
