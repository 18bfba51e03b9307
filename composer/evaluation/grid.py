"""Task by candidate: how often each way of choosing and merging adapters is right, on the same rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from composer.config import DEFAULT_METHODS, Settings
from composer.errors import SettingsError, unknown
from composer.evaluation.answers import Answerer, RowAnswers, Slot
from composer.evaluation.routes import ASKED, Search, asked_as, routes
from composer.evaluation.rows import TaskRows
from composer.lineup import BASE, REFERENCES, Candidate, candidates_named
from composer.pipeline import Composer
from composer.routing import STRATEGIES
from composer.types import TaskWeights

Progress = Callable[[int, int], None]
"""Called with (rows answered, rows in all)."""

DEFAULT_CANDIDATES = (BASE, "own", *REFERENCES, *DEFAULT_METHODS)


NORMALIZATIONS = ("tokens", "sum", "bytes")
"""Those that rows are counted under."""


@dataclass(frozen=True)
class Column:
    """A candidate, asked in one way; None where it does not look at the question."""

    candidate: Candidate
    asked: str | None

    @property
    def name(self) -> str:
        return f"{self.candidate.name}, {self.asked}" if self.asked else self.candidate.name


@dataclass(frozen=True)
class Tally:
    correct: tuple[tuple[str, int], ...]
    """(normalization, rows answered right under it)"""
    n: int
    failed: int = 0
    """Rows without an answer, because a merge failed. They count as wrong."""

    def accuracy(self, normalization: str) -> float:
        return dict(self.correct)[normalization] / self.n


@dataclass(frozen=True)
class RetrievalTally:
    """How often retrieval alone leads to the row's own task."""

    heaviest: int
    """Rows whose own task has the largest weight."""
    in_nucleus: int
    n: int


@dataclass(frozen=True)
class TaskResult:
    task: str
    n: int
    majority: int
    """Rows that the most frequent right answer's place would have right: what guessing without a look gives."""
    tallies: tuple[tuple[str, Tally], ...]
    """(column, tally); a held-out task has none for a candidate that needs the task's own adapter"""
    retrieval: tuple[tuple[str, RetrievalTally], ...]
    """(how it was asked, tally); empty for a held-out task, which retrieval cannot find."""

    @property
    def held_out(self) -> bool:
        return not self.retrieval


@dataclass(frozen=True)
class Evaluation:
    """The whole grid. Held-out tasks are those that the bank has no adapter for; they enter no mean but their own."""

    bank: str
    split: str
    settings: Settings
    computed: str
    """Device, type and quantization that the answers were computed in."""
    columns: tuple[str, ...]
    tasks: tuple[TaskResult, ...]

    def means(self, normalization: str, *, held_out: bool = False) -> tuple[tuple[str, float], ...]:
        """(column, accuracy averaged over tasks), every task with the same weight."""
        found = [dict(result.tallies) for result in self.tasks if result.held_out == held_out]
        shared = [name for name in self.columns if found and all(name in tallies for tallies in found)]
        return tuple((name, sum(each[name].accuracy(normalization) for each in found) / len(found)) for name in shared)


@dataclass(frozen=True, eq=False)
class Plan:
    """What is to be run. Made without a model, so that a wrong name is refused before minutes of loading."""

    rows: tuple[TaskRows, ...]
    columns: tuple[Column, ...]
    asked: tuple[str, ...]
    split: str

    @classmethod
    def of(
        cls, rows: Sequence[TaskRows], candidates: Sequence[str] | None, asked: Sequence[str], split: str = "test"
    ) -> Plan:
        """Raises SettingsError for a candidate or way of asking that does not exist, or that wants labelled rows."""
        for name in asked:
            if name not in ASKED:
                raise SettingsError(unknown("way of asking", name, ASKED))
        if not asked:
            raise SettingsError(f"no way of asking was chosen. Choose at least one of {', '.join(ASKED)}.")
        chosen = candidates_named(DEFAULT_CANDIDATES if candidates is None else candidates)
        if wanting := [one.name for one in chosen if one.needs_rows]:
            raise SettingsError(
                f"{wanting[0]} needs labelled rows of each task, which an evaluation does not give. Leave it out."
            )
        ways = tuple(name for name in ASKED if name in asked)
        blind = [Column(one, None) for one in chosen if STRATEGIES[one.strategy].blind]
        others = [Column(one, way) for way in ways for one in chosen if not STRATEGIES[one.strategy].blind]
        return cls(tuple(rows), (*blind, *others), ways, split)

    @property
    def total(self) -> int:
        return sum(len(rows.ids) for rows in self.rows)


def evaluate(
    composer: Composer,
    plan: Plan,
    settings: Settings,
    folder: Path,
    *,
    search: Search | None = None,
    index_id: str | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """`folder` keeps what was found: a run that was killed, and the next one, take it from there.

    `search` and `index_id` are the composer's own index unless given.
    """
    if settings.score.normalization not in NORMALIZATIONS:
        raise SettingsError(unknown("normalization of an evaluation", settings.score.normalization, NORMALIZATIONS))
    search = search or (lambda: (composer.encoder, composer.index))
    if index_id is None:
        manifest = composer.index.manifest
        index_id = f"{manifest.source_sha256} {manifest.encoder_sha256}"
    report = _counter(progress, plan.total)
    base = composer.base
    return Evaluation(
        bank=composer.bank.name,
        split=plan.split,
        settings=settings,
        computed=f"{base.device.type}, {str(base.dtype).removeprefix('torch.')}, {base.quantization}",
        columns=tuple(column.name for column in plan.columns),
        tasks=tuple(
            _task_result(
                composer,
                plan,
                rows,
                settings,
                {way: routes(rows, way, settings.retrieval, index_id, search, folder) for way in plan.asked},
                folder,
                report,
            )
            for rows in plan.rows
        ),
    )


def _task_result(
    composer: Composer,
    plan: Plan,
    rows: TaskRows,
    settings: Settings,
    routed: dict[str, tuple[TaskWeights, ...]],
    folder: Path,
    report: Callable[[], None],
) -> TaskResult:
    own = rows.task if rows.task in composer.bank.tasks else None
    columns = [column for column in plan.columns if own or not column.candidate.needs_own]
    answerer = Answerer(composer, rows, settings, folder)
    correct: Counter[tuple[str, str]] = Counter()
    failed: Counter[str] = Counter()
    for i, (key, query) in enumerate(zip(rows.keys, rows.queries, strict=True)):
        evidence = {
            way: composer.evidence(asked_as(query, way), (), weights[i], own=own) for way, weights in routed.items()
        }
        slots = [Slot.of(one.candidate, evidence[one.asked or plan.asked[0]]) for one in columns]
        answers = answerer.answer(key, query, slots)
        for column, sums in zip(columns, answers.sums, strict=True):
            failed[column.name] += sums is None
            for normalization in NORMALIZATIONS:
                right = sums is not None and chosen(sums, answers, normalization) == query.gold
                correct[column.name, normalization] += right
        report()
    golds = Counter(query.gold for query in rows.queries)
    n = len(rows.ids)
    return TaskResult(
        task=rows.task,
        n=n,
        majority=max(golds.values()),
        tallies=tuple(
            (c.name, Tally(tuple((how, correct[c.name, how]) for how in NORMALIZATIONS), n, failed[c.name]))
            for c in columns
        ),
        retrieval=tuple((way, _retrieval_tally(routed[way], own)) for way in plan.asked) if own else (),
    )


def chosen(sums: Sequence[float], answers: RowAnswers, normalization: str) -> int:
    """The place of the best option; the first on an exact tie."""
    divisors = {"sum": (1,) * len(sums), "tokens": answers.tokens, "bytes": answers.bytes}[normalization]
    scores = [total / divisor for total, divisor in zip(sums, divisors, strict=True)]
    return scores.index(max(scores))


def _retrieval_tally(routed: Sequence[TaskWeights], own: str) -> RetrievalTally:
    return RetrievalTally(
        heaviest=sum(weights.heaviest == own for weights in routed),
        in_nucleus=sum(own in dict(weights.kept) for weights in routed),
        n=len(routed),
    )


def _counter(progress: Progress | None, total: int) -> Callable[[], None]:
    done = 0

    def report() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    return report
