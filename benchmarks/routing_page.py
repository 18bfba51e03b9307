"""docs/routing.md from the results: the words stand in text/routing.md, the numbers come from the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.routing_picture import draw
from composer.config import ROOT
from composer.tasks import TASKS

TEMPLATE = ROOT / "benchmarks" / "text" / "routing.md"
PAGE = ROOT / "docs" / "routing.md"
PICTURES = {"own": ROOT / "docs" / "images" / "routing.svg", "real": ROOT / "docs" / "images" / "routing-real.svg"}

Routed = Mapping[str, Mapping[str, Any]]


def write(results: Mapping[str, Any]) -> Path:
    for name, picture in PICTURES.items():
        columns = [task for task in TASKS if task in results[name]["build"]["tasks"]]
        shares = {task: _shares(found) for task, found in results[name]["routing"]["typed"].items()}
        title = "Heaviest task (column) of each task's development questions (row), in percent"
        picture.write_text(draw(shares, columns, title), encoding="utf-8")
    PAGE.write_text(page(results, TEMPLATE.read_text(encoding="utf-8")), encoding="utf-8")
    return PAGE


def page(results: Mapping[str, Any], template: str) -> str:
    """Every {name} of the template, filled."""
    built, real, own = results["real"]["build"], results["real"]["routing"], results["own"]["routing"]
    return template.format(
        bank=results["own"]["build"]["bank"],
        own_rows=f"{results['own']['build']['rows']:,}",
        own_tasks=len(results["own"]["build"]["tasks"]),
        own_question=_question(results["own"]["question"]),
        own_table=_tasks(own["typed"], own["hinted"]),
        own_ranks=_ranks(own, results["published"]),
        build=_build(built),
        rows=f"{built['rows']:,}",
        left_out=built["left_out"],
        took=_took(built),
        peak=f"{built['peak_mb'] / 1000:.2f}",
        processor=results["own"]["build"]["processor"],
        commit=results["own"]["build"]["commit"],
        question=_question(results["real"]["question"]),
        tasks=_tasks(real["typed"], real["hinted"]),
        ranks=_ranks(real, results["published"]),
        asked=f"{sum(found['rows'] for found in real['typed'].values()):,}",
    )


def _took(built: Mapping[str, Any]) -> str:
    minutes, rate = f"{built['seconds'] / 60:.0f} minutes", built["embedded_per_second"]
    if rate is None:  # a build that was stopped goes on from the vectors it had
        return f"Storing them took {minutes}, from vectors that a build stopped before had embedded"
    return f"It took {minutes}, nearly all of it for the encoder, which embedded {rate:.0f} rows a second"


def _build(built: Mapping[str, Any]) -> str:
    pairs = [(task, f"{built['tasks'][task]:,}") for task in TASKS if task in built["tasks"]]
    half = (len(pairs) + 1) // 2
    rows = [(*pairs[n], *(pairs[n + half] if n + half < len(pairs) else ("", ""))) for n in range(half)]
    return table(("task", "rows", "task", "rows"), rows)


def _question(asked: Mapping[str, Any]) -> str:
    weights, paper = asked["weights"], asked["paper"]
    order = sorted(set(weights["inverse"]) | set(paper), key=lambda task: -weights["inverse"].get(task, 0.0))
    rows = [
        (task, *(_weight(found.get(task)) for found in (weights["inverse"], weights["exp"], weights["cosine"], paper)))
        for task in order
    ]
    return table(("task", "inverse (default)", "exp", "cosine", "paper, Table 1"), rows)


def _weight(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _tasks(typed: Routed, hinted: Routed) -> str:
    head = ("task", "rows", "heaviest", "in nucleus", "nucleus size", "else heaviest", "heaviest, hinted")
    rows = []
    for task, found in typed.items():
        own = _percent(found["heaviest"].get(task, 0), found["rows"])
        inside = _percent(found["in_nucleus"], found["rows"])
        again = _percent(hinted[task]["heaviest"].get(task, 0), hinted[task]["rows"])
        if task not in _own(typed):
            own = inside = again = "-"
        name = f"*{task}*" if TASKS[task].held_out else task
        rows.append(
            (name, str(found["rows"]), own, inside, f"{found['nucleus_size']:.1f}", _others(task, found), again)
        )
    return table(head, [*rows, _mean_row(typed, hinted)])


def _mean_row(typed: Routed, hinted: Routed) -> tuple[str, ...]:
    def mean(found: Routed, share: Any) -> str:  # noqa: ANN401 - a function of one task's results
        return f"{100 * sum(share(t, found[t]) / found[t]['rows'] for t in _own(found)) / len(_own(found)):.1f}"

    def first(task: str, one: Mapping[str, Any]) -> int:
        return one["heaviest"].get(task, 0)

    size = sum(typed[t]["nucleus_size"] for t in _own(typed)) / len(_own(typed))
    inside = mean(typed, lambda _, one: one["in_nucleus"])
    return ("**mean**", "", mean(typed, first), inside, f"{size:.1f}", "", mean(hinted, first))


def _ranks(routing: Mapping[str, Routed], published: Mapping[str, float]) -> str:
    rows: list[Sequence[str]] = []
    for name, form, key in (
        ("task weights, as typed", "typed", "within"),
        ("task weights, with the task's hint", "hinted", "within"),
        ("mean of 20 rows, as typed", "typed", "profile_within"),
        ("mean of 20 rows, with the task's hint", "hinted", "profile_within"),
    ):
        rows.append(
            (name, str(len(_own(routing[form]))), *(_mean_within(routing[form], key, rank) for rank in published))
        )
    rows.append(("LoraRetriever, as published", "48", *(f"{value:.1f}" for value in published.values())))
    return table(("retrieval", "tasks", *(f"top {rank}" for rank in published)), rows)


def _mean_within(found: Routed, key: str, rank: str) -> str:
    own = _own(found)
    return f"{100 * sum(found[task][key][rank] / found[task]['rows'] for task in own) / len(own):.1f}"


def _own(found: Routed) -> list[str]:
    """A held-out task has no rows in the index, so it can have no place of its own."""
    return [task for task in found if not TASKS[task].held_out]


def _others(task: str, found: Mapping[str, Any]) -> str:
    others = [(name, count) for name, count in found["heaviest"].items() if name != task][:2]
    return ", ".join(f"{name} {_percent(count, found['rows'])}" for name, count in others)


def _shares(found: Mapping[str, Any]) -> dict[str, float]:
    return {name: 100 * count / found["rows"] for name, count in found["heaviest"].items()}


def _percent(count: int, of: int) -> str:
    return f"{100 * count / of:.0f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
