"""Wrong answers by the types that the method's paper names, and what the paper says of each method."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from composer.config import DEFAULT_METHODS
from composer.evaluation.columns import MAIN, candidates_in, column_of, title
from composer.evaluation.comparing import Mask, common, compare, right
from composer.evaluation.error_types import RULES
from composer.evaluation.markdown import DASH, difference, listed, paragraphs, percent, table, words
from composer.evaluation.results import Evaluation, TaskResult
from composer.evaluation.sections import lacking

PAPERS_TASKS = ("story_cloze", "piqa", "rte", "boolq")


@dataclass(frozen=True)
class Claim:
    """What the paper says of a method's errors of a type, on the rows of some tasks."""

    sentence: str
    method: str
    kind: str
    most: bool
    """Whether it is said to err most of the four, or least."""
    tasks: tuple[str, ...] = PAPERS_TASKS


LONG = "long context"
CLAIMS = (
    Claim("TIES errs most in temporal and narrative coherence, above all on StoryCloze", "ties", "temporal", True),
    Claim("TIES struggles with negation on BoolQ", "ties", "negation", True, ("boolq",)),
    Claim("Concatenation errs more where a question is ambiguous", "cat", "ambiguity", True, ("piqa", "boolq")),
    Claim("Concatenation errs more in long contexts", "cat", LONG, True, ("piqa", "boolq")),
    Claim("Magnitude prune is most robust to negation", "magnitude_prune", "negation", False, ("rte", "boolq")),
    Claim("Magnitude prune is most robust to long contexts", "magnitude_prune", LONG, False, ("rte", "boolq")),
    Claim("Magnitude prune sometimes fails in commonsense", "magnitude_prune", "commonsense", True, ("piqa",)),
    Claim("Linear is slightly worse in temporal coherence", "linear", "temporal", True, ("story_cloze",)),
)  # fmt: skip


def errors(test: Evaluation) -> str:
    if not any(one.types for one in test.tasks):
        return lacking("The error types of the rows were")
    return paragraphs(
        "The paper's authors read wrong answers of four tasks and named six types. Here a rule says of which type a "
        "*question* is, so that all candidates are counted on the same rows. Rules are coarse; each says where it may "
        "be wrong.",
        words(["type", "a question counts when", "unsure"], [[one.name, one.sentence, one.unsure] for one in RULES]),
        _overlap(test),
        "Wrong answers, in per cent of the rows of a type (test rows, seen, typed):",
        _wrong(test),
        f"The same on the paper's four tasks, {listed(PAPERS_TASKS)}:",
        _wrong(test, PAPERS_TASKS),
        "What the paper says, and what is found here with another base, other adapters and rules in place of readers. "
        "The rival is the one of the other three methods that errs most, or least:",
        _claims(test),
    )


def of_type(kind: str, tasks: Sequence[str] | None = None) -> Mask:
    def mask(result: TaskResult) -> Iterable[bool]:
        if tasks is not None and result.task not in tasks:
            return (False for _ in result.golds)
        return dict(result.types).get(kind, (False,) * result.n)

    return mask


def _wrong(test: Evaluation, tasks: Sequence[str] | None = None) -> str:
    names = [name for name in MAIN if name in candidates_in(test)]
    rows = []
    for rule in RULES:
        answers = [_answers(test, name, of_type(rule.name, tasks)) for name in names]
        rows.append(
            [rule.name, str(max(map(len, answers), default=0)), *(percent(_share_wrong(one)) for one in answers)]
        )
    return table(["type", "rows", *map(title, names)], rows)


def _answers(test: Evaluation, name: str, mask: Mask) -> tuple[bool, ...]:
    return right(common(test, column_of(name)), column_of(name), mask)


def _share_wrong(answers: Sequence[bool]) -> float | None:
    return 1 - sum(answers) / len(answers) if answers else None


def _overlap(test: Evaluation) -> str:
    counts = Counter(
        sum(flags) for one in test.tasks if one.types for flags in zip(*(rows for _, rows in one.types), strict=True)
    )
    total = sum(counts.values())
    several = sum(count for number, count in counts.items() if number > 1)
    return (
        f"Of {total:,} rows, {counts[0]:,} are of no type, {counts[1]:,} of one and {several:,} of several, which "
        "count in each."
    )


def _claims(test: Evaluation) -> str:
    header = ["the paper", "rows", "wrong, %", "rival, wrong, %", "difference in wrong answers", "found here"]
    return table(header, [_claim(test, claim) for claim in CLAIMS])


def _claim(test: Evaluation, claim: Claim) -> list[str]:
    mask = of_type(claim.kind, claim.tasks)
    wrong = {name: _share_wrong(_answers(test, name, mask)) for name in DEFAULT_METHODS}
    known = {name: share for name, share in wrong.items() if share is not None}
    if set(known) != set(DEFAULT_METHODS):
        return [claim.sentence, "0", *[DASH] * 4]
    others = {name: share for name, share in known.items() if name != claim.method}
    rival = (max if claim.most else min)(others, key=lambda name: others[name])
    found = compare(test, column_of(rival), column_of(claim.method), mask)
    holds = known[claim.method] > others[rival] if claim.most else known[claim.method] < others[rival]
    sure = found is not None and not found.may_be_chance
    verdict = ("yes" if sure else "may be chance") if holds else "no"
    rows = len(_answers(test, claim.method, mask))
    return [
        claim.sentence,
        str(rows),
        percent(known[claim.method]),
        f"{title(rival)}, {percent(others[rival])}",
        difference(found),
        verdict,
    ]
