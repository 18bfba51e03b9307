"""What the figures say, a paragraph for each question: its words depend on the sign and the p of what was found."""

from __future__ import annotations

from composer.evaluation.columns import MERGES, OTHERS, candidates_in, column_of, mean, title
from composer.evaluation.comparing import agreement, by_task, common, compare
from composer.evaluation.markdown import difference, listed, paragraphs, percent
from composer.evaluation.results import SEEN, UNSEEN, Evaluation, TaskResult
from composer.evaluation.sections import lacking
from composer.evaluation.statistics import SIGNIFICANCE, Comparison
from composer.evaluation.strata import found, routed
from composer.lineup import BASE, LINEUP

WHEN = {
    SEEN: "With every adapter there",
    UNSEEN: "Without the row's own adapter",
    "unseen_family": "Without any adapter of its family",
}
WORST = 5
"""Tasks named where merging loses most."""


def findings(test: Evaluation, dev: Evaluation | None) -> str:
    return paragraphs(
        "Differences are in percentage points over all rows; concatenation, which applies the weighted sum exactly, "
        "stands for merging where no method is named.",
        _helps(test),
        _which_method(test),
        _weights(test),
        _top1(test),
        _beats_top1(test),
        _fails(test),
        _retrieval(test),
        _holds(test, dev),
    )


def _helps(test: Evaluation) -> str:
    """Against the base, with the own adapter there and without it."""
    parts = []
    for setting, when in WHEN.items():
        one = _pair(test, "cat", BASE, setting)
        if one is None and setting in (SEEN, UNSEEN):
            parts.append(lacking(f"Merging was, in the setting *{setting}*,", f" --setting {SEEN},{UNSEEN}"))
        elif one:
            parts.append(f"{when}, merging is {_verdict(one)} the base alone: {difference(one)}.")
    own = _pair(test, "cat", "own", SEEN)
    if own:
        parts.append(
            f"With every adapter there it is {_verdict(own)} the row's own adapter, which only an oracle knows: "
            f"{difference(own)}."
        )
    return f"**When does merging help?** {' '.join(parts)}"


def _which_method(test: Evaluation) -> str:
    parts = [one for setting in (SEEN, UNSEEN) if (one := _methods(test, setting))]
    return f"**Which method?** {' '.join(parts) or lacking('The methods were')}"


def _methods(test: Evaluation, setting: str) -> str | None:
    means = {name: mean(test, column_of(name, setting=setting)) for name in MERGES}
    there = {name: share for name, share in means.items() if share is not None}
    if len(there) < 2:
        return None
    order = sorted(there, key=lambda name: -there[name])
    first = order[0]
    rest = {name: _pair(test, first, name, setting) for name in order[1:]}
    alike = [title(name) for name, one in rest.items() if one and one.may_be_chance]
    behind = [f"{title(name)} ({difference(one)})" for name, one in rest.items() if one and not one.may_be_chance]
    shares = listed([f"{title(name)} {percent(there[name])}" for name in order])
    text = f"In the setting *{setting}* the means are {shares}."
    text += f" Ahead of {listed(behind)} by more than chance is {title(first)}." if behind else ""
    text += f" Between {title(first)} and {listed(alike)} the difference may be chance." if alike else ""
    return text


def _weights(test: Evaluation) -> str:
    pairs = (
        ("linear", "uniform", "The same adapters with equal weights, merged in the same way (linear less uniform)"),
        ("cat", "uniform", "Concatenation less uniform"),
        ("cat", "soup", "Concatenation less a soup of every adapter, which does not look at the question"),
    )
    parts = []
    for setting in (SEEN, UNSEEN):
        known = [(words, one) for a, b, words in pairs if (one := _pair(test, a, b, setting))]
        if known:
            parts.append(
                f"In the setting *{setting}*: {'; '.join(f'{words}: {difference(one)}' for words, one in known)}."
            )
    even = _pair(test, "linear", "uniform", SEEN)
    if even:
        parts.append(
            "Whether weights matter beyond the choice of tasks is not settled by these rows."
            if even.may_be_chance
            else f"So the weights by themselves {'add' if even.difference > 0 else 'cost'} {_size(even)} points."
        )
    return f"**How much is it the weights?** {' '.join(parts) or lacking('Uniform weights were')}"


def _top1(test: Evaluation) -> str:
    parts = []
    for setting in (SEEN, UNSEEN):
        cat, top1 = column_of("cat", setting=setting), column_of("top1", setting=setting)
        one, alike = compare(test, cat, top1), agreement(test, cat, top1)
        if one is None:
            continue
        tasks = by_task(test, cat, top1)
        no_worse = sum(each.difference <= 0 for _, each in tasks)
        parts.append(
            f"In the setting *{setting}* both choose the same option for {percent(alike)} % of the rows. Only merging "
            f"is right on {one.first_only:,}, only the heaviest adapter on {one.second_only:,}: {difference(one)}. On "
            f"{no_worse} of {len(tasks)} tasks the heaviest adapter alone is as good or better."
        )
    heading = "**How often is the heaviest adapter alone as good?**"
    return f"{heading} {' '.join(parts) or lacking('The heaviest adapter alone was')}"


def _beats_top1(test: Evaluation) -> str:
    parts = [one for setting in (SEEN, UNSEEN) if (one := _ahead(test, setting))]
    return (
        f"**Does anything beat the heaviest adapter?** {' '.join(parts) or lacking('The heaviest adapter alone was')}"
    )


def _ahead(test: Evaluation, setting: str) -> str | None:
    """Of all that know no more than the question."""
    rivals = [name for name in candidates_in(test, setting=setting) if _knows_the_question_alone(name)]
    pairs = {name: one for name in rivals if (one := _pair(test, name, "top1", setting))}
    if not pairs:
        return None
    ahead = {name: one for name, one in pairs.items() if one.difference > 0}
    sure = [f"{title(name)} ({difference(one)})" for name, one in ahead.items() if not one.may_be_chance]
    unsure = [title(name) for name, one in ahead.items() if one.may_be_chance]
    bar = SIGNIFICANCE / len(pairs)
    passing = [title(name) for name, one in ahead.items() if one.p < bar]
    text = f"Of {len(pairs)} candidates in the setting *{setting}*, "
    text += f"{len(sure)} by more than chance: {listed(sure)}." if sure else "none by more than chance."
    text += f" Ahead, but by what may be chance: {listed(unsure)}." if unsure else ""
    if sure:
        text += f" With the bar at {bar:.4f}, for so many comparisons: {listed(passing) if passing else 'none'}."
    return text


def _fails(test: Evaluation) -> str:
    """By what is lost against the own adapter, and whether retrieval found the task."""
    heading, cat = "**Where does it fail?**", column_of("cat")
    gaps = sorted(by_task(test, cat, "own"), key=lambda one: one[1].difference)
    if not gaps:
        return f"{heading} {lacking('The own adapter beside the merges was')}"
    losing = [(task, one) for task, one in gaps if one.difference < 0][:WORST]
    results = {one.task: one for one in test.tasks}
    lost = "; ".join(f"{task} {difference(one)}{_in_nucleus(results[task])}" for task, one in losing)
    below = [one.task for one in common(test, cat) if sum(one.right(cat)) <= one.majority]
    guess = f"no better on {listed(below)} than" if below else "better on every task than"
    behind = f"Against the own adapter most is lost on {lost}" if lost else "On no task is it behind the own"
    return f"{heading} {behind}. Merging is {guess} always giving the most frequent answer."


def _in_nucleus(result: TaskResult) -> str:
    where = routed(result)
    return f", own task in the nucleus for {percent(where.in_nucleus / where.n)} % of its rows" if where else ""


def _retrieval(test: Evaluation) -> str:
    heading = "**How much hangs on what is retrieved?**"
    seen = found(test)
    if seen is None:
        return f"{heading} {lacking('Where retrieval leads was')}"
    text = (
        f"The own task is the heaviest for {percent(seen.heaviest)} % and in the nucleus for "
        f"{percent(seen.in_nucleus)} % of the rows, as typed."
    )
    for setting, share in (("half", "half"), ("tenth", "a tenth"), ("fiftieth", "a fiftieth")):
        one, thin = _settings_apart(test, setting), found(test, setting=setting)
        if one and thin:
            text += (
                f" With {share} of the examples it is in the nucleus for {percent(thin.in_nucleus)} %, and merging is "
                f"{_verdict(one)} with all of them: {difference(one)}."
            )
    return f"{heading} {text}"


def _settings_apart(test: Evaluation, setting: str) -> Comparison | None:
    return compare(test, column_of("cat", setting=setting), column_of("cat"))


def _holds(test: Evaluation, dev: Evaluation | None) -> str | None:
    """Whether what the test rows say of the methods is said by the development rows too."""
    if dev is None:
        return None
    pairs = [("cat", BASE), ("cat", "top1"), ("linear", "uniform"), ("cat", "ties")]
    known = [(a, b, x, y) for a, b in pairs if (x := _pair(test, a, b, SEEN)) and (y := _pair(dev, a, b, SEEN))]
    if not known:
        return None
    text = [f"{title(a)} − {title(b)}: {difference(x)} and {difference(y)}" for a, b, x, y in known]
    same = sum(x.difference * y.difference > 0 for _, _, x, y in known)
    return (
        f"**Do the development rows say the same?** Test rows first, then development rows. {'; '.join(text)}. The "
        f"sign is the same for {same} of {len(known)}."
    )


def _pair(test: Evaluation, first: str, second: str, setting: str) -> Comparison | None:
    return compare(test, column_of(first, setting=setting), column_of(second, setting=setting))


def _verdict(one: Comparison) -> str:
    if one.may_be_chance:
        return "neither surely better nor surely worse than"
    return "better than" if one.difference > 0 else "worse than"


def _size(one: Comparison) -> str:
    return f"{100 * abs(one.difference):.1f}"


def _knows_the_question_alone(name: str) -> bool:
    return name in (*MERGES, *OTHERS, "uniform", "soup") and not LINEUP[name].needs_rows
