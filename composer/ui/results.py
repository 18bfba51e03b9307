"""The results: tasks by candidates, shaded by what each gains over the base. assets/results.js moves in the table."""

from __future__ import annotations

from dataclasses import asdict, replace

from composer.evaluation.choices import ASKED, SETTINGS
from composer.evaluation.results import TaskResult
from composer.lineup import LINEUP
from composer.ui.markup import data, esc
from composer.ui.measured import HELD_OUT, Figure, Measured, View
from composer.ui.palette import family_of, title_of
from composer.ui.words import accuracy
from composer.ui.words.glossary import explained

SCRIPT = "window.adapterComposer.view = (view) => trigger('click', {view});"
"""Hands the view that a visitor chose to the server."""
FULL_GAIN = 0.4
"""Difference from the base at which a cell has its whole color; differences beyond have it too."""
LEAST_SHADE = 0.3
"""Of a difference that is hardly chance, however small it is."""
CHANCE_SHADE = 0.2
"""Of the largest difference that may be chance."""

Shade = tuple[str, float]
"""(class names, 0 to 1)"""


def draw(measured: Measured, view: View) -> str:
    columns = measured.columns(view)
    groups = measured.groups(view)
    bodies = "".join(_group(measured, view, heading, tasks, columns) for heading, tasks in groups.items())
    heads = "".join(_head(name, view) for name in columns)
    return (
        f'<div class="ac-results">{_switches(measured, view)}<div class="ac-scroll" tabindex="0" role="region"'
        ' aria-label="Accuracy by task and candidate">'
        f'<table role="grid" aria-label="Accuracy in per cent" style="--columns:{len(columns) + 1}">'
        f'<thead><tr><th scope="col">{_button("ac-by-task", "Task", replace(view, by=None), "In the tasks’ own order")}'
        f'</th><th scope="col">{explained("Guessing", "guessing")}</th>{heads}</tr></thead>'
        f"<tbody>{_means(measured, columns)}</tbody>{bodies}</table></div>{_legend()}"
        f'<p class="ac-caption">{esc(accuracy.caption(measured, view))}</p></div>'
    )


def shade(figure: Figure) -> Shade:
    """Gains and losses differ in hue and in pattern; what may be chance is pale."""
    compared = figure.against_base
    if compared is None or compared.difference == 0:
        return "", 0.0
    strength = min(abs(compared.difference) / FULL_GAIN, 1.0)
    side = "ac-gain" if compared.difference > 0 else "ac-loss"
    if compared.may_be_chance:
        return f"{side} ac-chance", CHANCE_SHADE * strength
    return side, LEAST_SHADE + (1 - LEAST_SHADE) * strength


# -- switches


def _switches(measured: Measured, view: View) -> str:
    asked = _switch("Asked", [(a, a, ASKED[a], replace(view, asked=a), a == view.asked) for a in measured.asked])
    setting = _switch(
        "With",
        [
            (s, accuracy.SETTING_WORDS.get(s, s), SETTINGS[s].meaning, replace(view, setting=s), s == view.setting)
            for s in measured.settings
        ],
    )
    return f'<div class="ac-views">{asked}{setting}{_more(measured, view)}</div>'


def _switch(title: str, choices: list[tuple[str, str, str, View, bool]]) -> str:
    """(name, words, meaning, view, whether it is on show) of each choice; nothing where there is only one."""
    if len(choices) < 2:
        return ""
    buttons = "".join(
        _button(f"ac-view-{name}", words, to, meaning, f' class="ac-chip" aria-pressed="{str(shown).lower()}"')
        for name, words, meaning, to, shown in choices
    )
    return f'<div role="group" aria-label="{esc(title)}"><span>{esc(title)}</span>{buttons}</div>'


def _more(measured: Measured, view: View) -> str:
    others = measured.others(view)
    if not others:
        return ""
    words = "Fewer candidates" if view.more else f"{others} more candidates"
    pressed = f' class="ac-chip" aria-expanded="{str(view.more).lower()}"'
    return _button("ac-more", words, replace(view, more=not view.more), "Other merges and strategies", pressed)


def _button(key: str, words: str, to: View, meaning: str, attributes: str = "") -> str:
    """Leads to a view. The key finds the button again in the table that comes back."""
    return (
        f'<button type="button" id="{esc(key)}" data-view="{data(asdict(to))}" data-hint="{esc(meaning)}"{attributes}>'
        f"{esc(words)}</button>"
    )


# -- the table


def _head(name: str, view: View) -> str:
    candidate = LINEUP[name]
    order = ("ascending" if view.rising else "descending") if view.by == name else "none"
    meaning = candidate.meaning.format(task="the adapter").rstrip(".")
    return (
        f'<th scope="col" aria-sort="{order}">'
        f"{_button(f'ac-by-{name}', candidate.title, view.sorted_by(name), f'{meaning}. Click to sort.')}</th>"
    )


def _means(measured: Measured, columns: dict[str, str]) -> str:
    evaluation = measured.evaluation
    count = len([one for one in evaluation.tasks if not one.held_out])
    means = dict(evaluation.means(evaluation.settings.score.normalization))
    cells = "".join(_mean(measured, name, means.get(column), column, count) for name, column in columns.items())
    return f'<tr class="ac-mean"><th scope="row">Mean of {count} tasks</th><td></td>{cells}</tr>' if count else ""


def _mean(measured: Measured, name: str, mean: float | None, column: str, tasks: int) -> str:
    if mean is None:
        return _missing("Not every task has it, so that it has no mean.")
    interval = measured.evaluation.interval(column)
    hint = accuracy.of_mean(name, mean, interval, tasks)
    span = f"{100 * interval.low:.0f}–{100 * interval.high:.0f}"
    return f'<td tabindex="-1" data-hint="{esc(hint)}"><b>{100 * mean:.1f}</b><small>{span}</small></td>'


def _group(measured: Measured, view: View, heading: str, tasks: tuple[str, ...], columns: dict[str, str]) -> str:
    family = "other" if heading == HELD_OUT else heading
    head = (
        f'<tr class="ac-family fam-{esc(family)}"><th scope="rowgroup" colspan="{len(columns) + 2}">'
        f"<span>{esc(heading)}</span></th></tr>"
        if heading
        else ""
    )
    results = (measured.result(task) for task in tasks)
    return f"<tbody>{head}{''.join(_row(measured, view, one, columns) for one in results if one)}</tbody>"


def _row(measured: Measured, view: View, result: TaskResult, columns: dict[str, str]) -> str:
    task = result.task
    cells = "".join(_cell(measured, view, task, name, column) for name, column in columns.items())
    guess = accuracy.of_guessing(result.n, result.majority)
    return (
        f'<tr class="fam-{family_of(task)}"><th scope="row" data-hint="{esc(title_of(task))}"><i aria-hidden="true">'
        f'</i>{esc(task)}</th><td class="ac-guess" tabindex="-1" data-hint="{esc(guess)}">'
        f"{100 * result.majority / result.n:.0f}</td>{cells}</tr>"
    )


def _cell(measured: Measured, view: View, task: str, name: str, column: str) -> str:
    figure = measured.figure(task, column)
    if figure is None:
        return _missing("Not measured.")
    printed = measured.printed(task, name, view)
    kinds, strength = shade(figure)
    mark = f"<small>{printed:.0f}</small>" if printed is not None else ""
    return (
        f'<td class="{kinds}" style="--s:{strength:.3f}" tabindex="-1"'
        f' data-hint="{esc(accuracy.of_cell(name, task, figure, printed))}">{100 * figure.accuracy:.0f}{mark}</td>'
    )


def _missing(why: str) -> str:
    return f'<td class="ac-none" tabindex="-1" data-hint="{esc(why)}">–</td>'


def _legend() -> str:
    steps = "".join(
        f'<li><i class="{kinds}" style="--s:{strength}"></i>{words}</li>'
        for kinds, strength, words in (
            ("ac-gain", 1, f"{FULL_GAIN * 100:.0f} points or more above the base model"),
            ("ac-gain", 0.5, "above it"),
            ("ac-loss", 0.5, "below it"),
            ("ac-gain ac-chance", CHANCE_SHADE / 2, "may be chance"),
        )
    )
    return f'<ul class="ac-legend-shades">{steps}</ul>'
