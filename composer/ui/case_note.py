"""What stands above a case study's run: what to look for, who is right, and what a paper printed of it."""

from __future__ import annotations

from collections.abc import Sequence

from composer.lineup import BASE
from composer.merging import METHODS
from composer.types import Prediction, Trace
from composer.ui.cases import Case
from composer.ui.markup import esc, shortened
from composer.ui.options import letter


def draw(case: Case | None, trace: Trace, accuracy: str = "") -> str:
    """The trace may still be without answers. `accuracy` is what was measured of its heaviest task, in words."""
    if case is None:
        return ""
    measured = f'<p class="ac-caption">{esc(accuracy)}</p>' if accuracy else ""
    title = case.title if case.title.endswith((".", "?", "!", "…")) else f"{case.title}."
    return (
        f'<aside class="ac-case-note fam-{esc(case.family)}" data-study="{esc(case.slug)}">'
        f"<p><strong>{esc(title)}</strong> {esc(case.look_for)}</p><p>{esc(rightness(case, trace))}</p>{measured}"
        f"{_printed(case, trace)}</aside>"
    )


def rightness(case: Case, trace: Trace) -> str:
    """The right option, and who chose it, in plain sentences."""
    if case.gold is None:
        return "Nobody can know the right answer."
    right = [p for p in trace.predictions if p.chosen == case.gold]
    wrong = [p for p in trace.predictions if p.chosen != case.gold]
    merges = sum(p.method != BASE for p in trace.predictions)
    found = [f"{_named(group, merges)} {word}" for group, word in ((right, "right"), (wrong, "wrong")) if group]
    listed = "; ".join(found)
    answer = f"The right answer is {letter(case.gold)}, “{shortened(case.options[case.gold], 90).rstrip('.')}”."
    return f"{answer} {listed[:1].upper()}{listed[1:]}." if found else answer


def _named(group: Sequence[Prediction], merges: int) -> str:
    """Who they are, with the verb that fits their number; the base comes last."""
    names = [METHODS[p.method].title for p in group if p.method != BASE]
    if len(names) == merges > 1:
        names = ["all merges"]
    names += ["the base model alone"] * any(p.method == BASE for p in group)
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return f"{listed} {'is' if len(names) == 1 and names != ['all merges'] else 'are'}"


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
