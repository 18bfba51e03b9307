"""What stands beneath a case study's finding: what to look for, the right answer, and what a paper printed of it."""

from __future__ import annotations

from composer.lineup import BASE
from composer.merging import METHODS
from composer.types import Prediction, Trace
from composer.ui.cases import Case
from composer.ui.markup import esc, shortened
from composer.ui.options import letter


def draw(case: Case | None, trace: Trace) -> str:
    """The trace may still be without answers."""
    if case is None:
        return ""
    title = case.title if case.title.endswith(("?", "!", ".")) else f"{case.title}."
    return (
        f'<aside class="ac-case-note fam-{esc(case.family)}" data-study="{esc(case.slug)}">'
        f"<p><strong>{esc(title)}</strong>"
        f" {esc(case.look_for)} {esc(rightness(case))}</p>{_printed(case, trace)}</aside>"
    )


def rightness(case: Case) -> str:
    """The right option; who chose it is marked where the answers stand."""
    if case.gold is None:
        return "Nobody can know the right answer."
    return f"The right answer is {letter(case.gold)}, “{shortened(case.options[case.gold], 90).rstrip('.')}”."


def _printed(case: Case, trace: Trace) -> str:
    if not case.printed:
        return ""
    ours = dict(trace.weights.kept)
    tasks = sorted({*case.printed["weights"], *ours}, key=lambda t: -case.printed["weights"].get(t, 0))
    weights = "".join(
        f"<tr><th scope=row>{esc(task)}</th><td>{_share(case.printed['weights'].get(task))}</td>"
        f"<td>{_share(ours.get(task))}</td></tr>"
        for task in tasks
    )
    answers = "".join(
        f"<tr><th scope=row>{esc(METHODS[method].title)}</th><td>{letter(chosen)}</td>"
        f"<td>{_answered(trace, method)}</td></tr>"
        for method, chosen in case.printed["chosen"].items()
    )
    head = "<thead><tr><th scope=col>{}</th><th scope=col>Paper</th><th scope=col>This bank</th></tr></thead>"
    return (
        f'<details class="ac-printed"><summary>What the paper printed, beside this bank</summary><div>'
        f"<table>{head.format('Weight')}<tbody>{weights}</tbody></table>"
        f"<table>{head.format('Answer')}<tbody>{answers}</tbody></table></div><p>{esc(case.printed['source'])}</p>"
        "</details>"
    )


def _share(weight: float | None) -> str:
    return "–" if weight is None else f"{weight:.3f}"


def _answered(trace: Trace, method: str) -> str:
    found = trace.answer(method)
    if isinstance(found, Prediction):
        return letter(found.chosen)
    return "–" if trace.answer(BASE) else "…"
