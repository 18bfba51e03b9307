"""Task by strategy: how often each way of choosing and merging adapters is right on the bank's own test rows.

All strategies of a row are scored in one forward pass, and a row is retrieved for once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from composer.bank.examples import Examples, read_examples
from composer.bank.manifest import Bank
from composer.config import DEFAULT_METHODS, Settings
from composer.errors import BankError, ComposerError, SettingsError, TaskError, unknown
from composer.merging import METHODS
from composer.merging.factors import MergedAdapter
from composer.pipeline import Composer, check_settings
from composer.routing import STRATEGIES
from composer.types import Failure, Prediction, Query, TaskWeights

Progress = Callable[[int, int], None]
"""Called with (rows answered, rows in all)."""

RETRIEVAL = "retrieval"
"""Stands for one strategy per default method, each named as the method."""


@dataclass(frozen=True)
class Tally:
    correct: int
    n: int
    failed: int = 0
    """Rows without an answer, because a merge failed. They count as wrong."""

    @property
    def accuracy(self) -> float:
        return self.correct / self.n


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
    tallies: tuple[tuple[str, Tally], ...]
    """(strategy, tally); a held-out task has none for a strategy that needs the task's own adapter"""
    retrieval: RetrievalTally | None
    """With the hint, as the index has it. None for a held-out task, which retrieval cannot find."""
    as_typed: RetrievalTally | None
    """Without the hint, which a person does not type."""

    @property
    def held_out(self) -> bool:
        return self.retrieval is None


@dataclass(frozen=True)
class Evaluation:
    """The whole grid. Held-out tasks are those that the bank has no adapter for; they enter no mean but their own."""

    bank: str
    settings: Settings
    strategies: tuple[str, ...]
    tasks: tuple[TaskResult, ...]

    def means(self, *, held_out: bool = False) -> tuple[tuple[str, float], ...]:
        """(strategy, accuracy averaged over tasks), every task with the same weight."""
        found = [dict(result.tallies) for result in self.tasks if result.held_out == held_out]
        shared = [name for name in self.strategies if found and all(name in tallies for tallies in found)]
        return tuple((name, sum(tallies[name].accuracy for tallies in found) / len(found)) for name in shared)


def evaluate(
    composer: Composer,
    *,
    tasks: Sequence[str] | None = None,
    strategies: Sequence[str] | None = None,
    limit: int | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Every task, the baselines and the default methods unless named; the first `limit` rows of each task.

    Raises SettingsError or TaskError for a name that does not exist, and BankError for a bank without test rows.
    """
    plan = Plan.of(composer.bank, tasks=tasks, strategies=strategies, limit=limit)
    settings = settings or composer.default_settings()
    check_settings(settings)
    report = _counter(progress, plan.total)
    return Evaluation(
        bank=composer.bank.name,
        settings=settings,
        strategies=plan.strategies,
        tasks=tuple(_task_result(composer, plan, task, settings, report) for task, _ in plan.rows),
    )


@dataclass(frozen=True, eq=False)
class Plan:
    """What is to be run. Made without a model, so that a wrong name is refused before minutes of loading."""

    examples: Examples
    strategies: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int, ...]], ...]
    """(task, its rows' indexes)"""

    @classmethod
    def of(
        cls, bank: Bank, *, tasks: Sequence[str] | None, strategies: Sequence[str] | None, limit: int | None
    ) -> Plan:
        names = strategies_named(strategies)
        if limit is not None and limit < 1:
            raise SettingsError(f"limit is {limit}; at least 1 row of each task is needed.")
        if bank.evaluation is None:
            raise BankError(f"the bank {bank.name!r} has no test rows. Add [evaluation] to its bank.toml.")
        examples = read_examples(bank.evaluation.path)
        chosen = _tasks_named(bank, examples, tasks)
        return cls(examples, names, tuple((task, _rows_of(bank, examples, task)[:limit]) for task in chosen))

    @property
    def total(self) -> int:
        return sum(len(rows) for _, rows in self.rows)


def known_strategies() -> tuple[str, ...]:
    """The baselines of the registry, then retrieval with each method, named as the method."""
    return (*(name for name in reversed(STRATEGIES) if name != RETRIEVAL), *METHODS)


def strategies_named(names: Sequence[str] | None) -> tuple[str, ...]:
    """In the registry's order; `retrieval` stands for the default methods, and None for all baselines and these.

    Raises SettingsError.
    """
    known = known_strategies()
    if names is None:
        names = (*STRATEGIES, RETRIEVAL)
    for name in names:
        if name not in (*known, RETRIEVAL):
            raise SettingsError(unknown("strategy", name, (*known, RETRIEVAL)))
    chosen = {*names, *(DEFAULT_METHODS if RETRIEVAL in names else ())}
    if not chosen:
        raise SettingsError(f"no strategy was chosen. Choose at least one of {', '.join(known)}.")
    return tuple(name for name in known if name in chosen)


def _tasks_named(bank: Bank, examples: Examples, tasks: Sequence[str] | None) -> tuple[str, ...]:
    """In the order of the rows, held-out ones last."""
    there = sorted(dict.fromkeys(examples.tasks), key=lambda task: task not in bank.tasks)
    for task in tasks or ():
        if task not in there:
            raise TaskError(unknown("task", task, there))
    if tasks is not None and not tasks:
        raise TaskError(f"no task was chosen. Choose at least one of {', '.join(sorted(there))}.")
    return tuple(task for task in there if tasks is None or task in tasks)


def _rows_of(bank: Bank, examples: Examples, task: str) -> tuple[int, ...]:
    rows = tuple(row for row in examples.rows_of(task) if examples.golds[row] is not None)
    if not rows:
        raise BankError(f"no test row of {task} in the bank {bank.name!r} has a right answer. Rebuild the bank.")
    return rows


def _task_result(
    composer: Composer, plan: Plan, task: str, settings: Settings, report: Callable[[], None]
) -> TaskResult:
    queries = [plan.examples.query(row) for row in dict(plan.rows)[task]]
    own = task if task in composer.bank.tasks else None
    strategies = [name for name in plan.strategies if own or name in METHODS or not STRATEGIES[name].needs_own]
    routed = list(_routed(composer, queries, settings))
    correct: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for query, weights in zip(queries, routed, strict=True):
        for name, answer in zip(strategies, _answers(composer, query, weights, own, strategies, settings), strict=True):
            correct[name] += isinstance(answer, Prediction) and answer.chosen == query.gold
            failed[name] += isinstance(answer, Failure)
        report()
    typed = _routed(composer, [replace(query, hint=None) for query in queries], settings) if own else ()
    return TaskResult(
        task=task,
        tallies=tuple((name, Tally(correct[name], len(queries), failed[name])) for name in strategies),
        retrieval=_retrieval_tally(routed, own) if own else None,
        as_typed=_retrieval_tally(list(typed), own) if own else None,
    )


def _routed(composer: Composer, queries: Sequence[Query], settings: Settings) -> Iterator[TaskWeights]:
    """As `retrieve` and `route`, with the questions embedded in batches."""
    vectors = composer.encoder.encode([query.retrieval_text for query in queries])
    for vector in vectors:
        found = composer.index.search(vector, settings.retrieval.top_k, settings.retrieval.kernel)
        yield composer.route(found, settings)


def _retrieval_tally(routed: Sequence[TaskWeights], own: str) -> RetrievalTally:
    return RetrievalTally(
        heaviest=sum(weights.heaviest == own for weights in routed),
        in_nucleus=sum(own in dict(weights.kept) for weights in routed),
        n=len(routed),
    )


def _answers(
    composer: Composer,
    query: Query,
    weights: TaskWeights,
    own: str | None,
    strategies: Sequence[str],
    settings: Settings,
) -> list[Prediction | Failure]:
    """One per strategy, in their order, all from one forward pass."""
    found = [_merged(composer, name, weights, own, settings) for name in strategies]
    base, *rest = composer.score(query, [one for one in found if isinstance(one, MergedAdapter)], settings)
    scored = iter(rest)
    return [base if one is None else one if isinstance(one, Failure) else next(scored) for one in found]


def _merged(
    composer: Composer, name: str, weights: TaskWeights, own: str | None, settings: Settings
) -> MergedAdapter | Failure | None:
    """None stands for the base model alone."""
    if name in METHODS:
        choice, method = weights.kept, name
    else:
        choice = STRATEGIES[name].choose(weights, own)
        # A baseline that chooses one adapter means it as it is, and cat is exact.
        method = "cat" if len(choice) == 1 else "linear"
    if not choice:
        return None
    try:
        return replace(composer.merge(choice, settings, method), method=name)
    except BankError:
        raise  # a damaged bank is no strategy's fault
    except ComposerError as error:
        return Failure(name, str(error))


def _counter(progress: Progress | None, total: int) -> Callable[[], None]:
    done = 0

    def report() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    return report
