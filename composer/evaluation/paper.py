"""The method's paper beside what is measured here: its three tables, and what cannot be compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from composer.config import DEFAULT_BANK, DEFAULT_METHODS
from composer.evaluation.columns import column_of, title
from composer.evaluation.markdown import DASH, listed, paragraphs, percent, table
from composer.evaluation.results import SEEN, UNSEEN, Evaluation
from composer.evaluation.sections import lacking
from composer.evaluation.statistics import wilson
from composer.tasks import TASKS

COUNTERPARTS: dict[str, tuple[str, str]] = {
    "Perfect Selection": ("own", SEEN),
    "Selection IID": ("loraretriever_selection", SEEN),
    "Selection OOD": ("loraretriever_selection", UNSEEN),
    "Fusion IID": ("loraretriever_fusion", SEEN),
    "Fusion OOD": ("loraretriever_fusion", UNSEEN),
    "Mixture IID": ("loraretriever_mixture", SEEN),
    "Mixture OOD": ("loraretriever_mixture", UNSEEN),
    "MoE Top1": ("router_top1", SEEN),
    "MoE Top3": ("router_top3", SEEN),
    "MoE Soft": ("router_soft", SEEN),
    "SMEAR": ("smear", SEEN),
    "Adapter Soup": ("soup", SEEN),
    "LoRAHub": ("lorahub", SEEN),
}
"""Column of LoraRetriever's table 4 -> (candidate, setting) that comes nearest to it."""


def paper(test: Evaluation, results: Path, cases: Path) -> str:
    printed = json.loads((results / "paper.json").read_text(encoding="utf-8"))
    return paragraphs(
        f"Figures of *{printed['source']}*. They are of Llama-2-7b with adapters of rank 64, on whole test sets as the "
        "paper says; here the base, the adapters, the examples and the rows are others, and options are scored by "
        "their log-probability. So single figures cannot be compared, only which way they point.",
        "### Table 3: the four methods",
        _methods(test, printed["table3"]),
        _order(test, printed["table3"]),
        "### Table 3: the baselines",
        _shift(printed["columns"]),
        _baselines(test, printed),
        "### Tables 1 and 2: the tennis ball",
        _case(printed, results / f"cases-{DEFAULT_BANK}.json", cases / "tennis-ball.json"),
    )


def _methods(test: Evaluation, printed: dict[str, dict[str, float]]) -> str:
    rows = []
    for task, figures in printed.items():
        ours = [_accuracy(test, task, name) for name in DEFAULT_METHODS]
        cells = (f"{figures[name]:.1f} / {one}" for name, one in zip(DEFAULT_METHODS, ours, strict=True))
        rows.append([TASKS[task].title, _rows(test, task), *cells])
    header = ["paper / here", "rows here", *(title(name) for name in DEFAULT_METHODS)]
    return paragraphs(
        table(header, rows),
        "Seen, typed; in brackets 95 % by Wilson. imdb and mnli_mm have no adapter here.",
    )


def _order(test: Evaluation, printed: dict[str, dict[str, float]]) -> str:
    """Means over the tasks that both have."""
    there = {one.task: dict(one.cells) for one in test.tasks}
    columns = {name: column_of(name) for name in DEFAULT_METHODS}
    tasks = [task for task in printed if task in there and set(columns.values()) <= set(there[task])]
    if not tasks:
        return lacking("The four methods were")
    how = test.settings.score.normalization
    papers = {name: sum(printed[task][name] for task in tasks) / len(tasks) for name in columns}
    ours = {
        name: 100 * sum(there[task][columns[name]].accuracy(how) for task in tasks) / len(tasks) for name in columns
    }
    first, last = (
        f"{title(_ranked(papers)[place])} in the paper, {title(_ranked(ours)[place])} here" for place in (0, -1)
    )
    return (
        f"Mean of the {len(tasks)} tasks that both have: in the paper {_means(papers)}; here {_means(ours)}. "
        f"First is {first}; last is {last}."
    )


def _ranked(means: dict[str, float]) -> list[str]:
    return sorted(means, key=lambda name: -means[name])


def _means(means: dict[str, float]) -> str:
    return listed([f"{title(name)} {means[name]:.1f}" for name in _ranked(means)])


def _shift(columns: dict[str, str]) -> str:
    moved = [f"{printed} is {source}" for printed, source in columns.items() if not source.startswith(printed)]
    return (
        "The paper takes its baselines from LoraRetriever (arXiv 2402.09997, table 4), and its columns are shifted "
        f"against that table. By their figures {listed(moved)}. So the table below has the source's own columns. They "
        "are of 50 rows a task, generated freely and counted when they match exactly: 46 for PIQA is below chance for "
        "two options. Nothing that the paper says of its methods against these columns is like for like."
    )


def _baselines(test: Evaluation, printed: dict[str, Any]) -> str:
    rows = []
    for task, figures in printed["loraretriever"].items():
        cells = (
            f"{figures[column]:.0f} / {_share(test, task, column_of(name, setting=setting))}"
            for column, (name, setting) in COUNTERPARTS.items()
        )
        rows.append([TASKS[task].title, *cells])
    near = "; ".join(f"{column}: `{name}`, {setting}" for column, (name, setting) in COUNTERPARTS.items())
    return paragraphs(
        table(["LoraRetriever / here", *COUNTERPARTS], rows),
        f"Beside each column stands what comes nearest to it. {near}. *IID*: every adapter may be chosen; *OOD*: the "
        "row's own is left out.",
    )


def _accuracy(test: Evaluation, task: str, name: str) -> str:
    result = next((one for one in test.tasks if one.task == task), None)
    column = column_of(name)
    if result is None or column not in dict(result.cells):
        return DASH
    answers = result.right(column)
    span = wilson(sum(answers), len(answers))
    return f"{percent(sum(answers) / len(answers))} ({100 * span.low:.0f}–{100 * span.high:.0f})"


def _share(test: Evaluation, task: str, column: str) -> str:
    result = next((one for one in test.tasks if one.task == task), None)
    if result is None or column not in dict(result.cells):
        return DASH
    return percent(dict(result.cells)[column].accuracy(test.settings.score.normalization))


def _rows(test: Evaluation, task: str) -> str:
    return next((str(one.n) for one in test.tasks if one.task == task), DASH)


def _case(printed: dict[str, Any], outcomes: Path, case: Path) -> str:
    query = json.loads(case.read_text(encoding="utf-8"))["query"]
    weights = listed([f"{task} {weight:.2f}" for task, weight in printed["table1"].items()])
    chosen = ", ".join(f"{title(name)} {option}" for name, option in printed["table2"].items())
    found = json.loads(outcomes.read_text(encoding="utf-8"))["cases"].get(case.stem) if outcomes.exists() else None
    ours = "Here it was not asked yet: `composer cases` asks it."
    if found:
        same = "the same task" if found["task"] == next(iter(printed["table1"])) else "another task"
        ours = (
            f"Here {same} is the heaviest, {found['task']} at {found['weight']:.2f}, and {found['right']} of "
            f"{sum(found['votes'])} methods choose the ball."
        )
    return f"“{query}”, A a tennis ball, B a racket. Weights in the paper: {weights}. Chosen: {chosen}. {ours}"
