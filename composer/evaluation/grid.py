"""Task by candidate: how often each way of choosing and merging adapters is right, on the same rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from composer.bank.examples import read_examples
from composer.config import DEFAULT_METHODS, NORMALIZATIONS, Settings
from composer.errors import SettingsError, unknown
from composer.evaluation.answers import Answerer, RowAnswers, Slot
from composer.evaluation.choices import ASKED, SETTINGS, Choices
from composer.evaluation.error_types import RULES
from composer.evaluation.results import SEEN, Cell, Evaluation, Routed, TaskResult, column_name, route_name
from composer.evaluation.rows import TaskRows
from composer.lineup import BASE, REFERENCES, Candidate, candidates_named
from composer.pipeline import Composer
from composer.routing import STRATEGIES
from composer.scores import PMI, best, normalized, rule_for
from composer.tasks import find_task
from composer.types import Query

Progress = Callable[[int, int], None]
"""Called with (rows answered, rows in all)."""

DEFAULT_CANDIDATES = (BASE, "own", *REFERENCES, *DEFAULT_METHODS)
LABELLED = 16
"""Of a task's examples in the bank, for strategies that try their weights on a few rows."""


@dataclass(frozen=True)
class Column:
    """A candidate, asked in one way (None where it does not look at the question) and in one setting (None for those
    that adapters taken away cannot concern: the base, and the row's own adapter)."""

    candidate: Candidate
    asked: str | None
    setting: str | None

    @property
    def name(self) -> str:
        return column_name(self.candidate.name, self.asked, self.setting)

    @property
    def needs_task(self) -> bool:
        """Has no meaning for a task that the bank has no adapter for."""
        takes_away = self.setting is not None and SETTINGS[self.setting].withholds != "nothing"
        return self.candidate.needs_own or self.candidate.needs_rows or takes_away


@dataclass(frozen=True, eq=False)
class Plan:
    """What is to be run. Made without a model, so that a wrong name is refused before minutes of loading."""

    rows: tuple[TaskRows, ...]
    columns: tuple[Column, ...]
    asked: tuple[str, ...]
    settings: tuple[str, ...]
    split: str

    @classmethod
    def of(
        cls,
        rows: Sequence[TaskRows],
        candidates: Sequence[str] | None,
        asked: Sequence[str],
        split: str = "test",
        settings: Sequence[str] = ("seen",),
    ) -> Plan:
        """Raises SettingsError for a candidate, a way of asking or a setting that does not exist."""
        chosen = candidates_named(DEFAULT_CANDIDATES if candidates is None else candidates)
        ways = _named("way of asking", asked, ASKED)
        where = _named("setting", settings, SETTINGS)
        columns = [Column(one, None, None) for one in chosen if one.name == BASE or one.needs_own]
        others = [one for one in chosen if one.name != BASE and not one.needs_own]
        for setting in where:
            columns += [Column(one, None, setting) for one in others if STRATEGIES[one.strategy].blind]
            columns += [
                Column(one, way, setting) for way in ways for one in others if not STRATEGIES[one.strategy].blind
            ]
        return cls(tuple(rows), tuple(columns), ways, where, split)

    @property
    def total(self) -> int:
        return sum(len(rows.ids) for rows in self.rows)


def evaluate(
    composer: Composer,
    plan: Plan,
    settings: Settings,
    folder: Path,
    *,
    index_id: str | None = None,
    unconditional: bool = False,
    progress: Progress | None = None,
) -> Evaluation:
    """`folder` keeps what was found: a run that was killed, and the next one, take it from there.

    `index_id` is that of the composer's own index unless given. `unconditional` adds the normalization `pmi`, at the
    price of a second, short pass for every slot.
    """
    if index_id is None:
        manifest = composer.index.manifest
        index_id = f"{manifest.source_sha256} {manifest.encoder_sha256}"
    report = _counter(progress, plan.total)
    base = composer.base
    unconditional = unconditional or settings.score.normalization == PMI
    return Evaluation(
        bank=composer.bank.name,
        split=plan.split,
        settings=settings,
        computed=f"{base.device.type}, {str(base.dtype).removeprefix('torch.')}, {base.quantization}",
        columns=tuple(column.name for column in plan.columns),
        tasks=tuple(
            _OneTask(composer, plan, rows, settings, folder, index_id, unconditional).result(report)
            for rows in plan.rows
        ),
    )


class _OneTask:
    """All columns on the rows of one task."""

    def __init__(
        self,
        composer: Composer,
        plan: Plan,
        rows: TaskRows,
        settings: Settings,
        folder: Path,
        index_id: str,
        unconditional: bool,
    ) -> None:
        self.plan = plan
        self.rows = rows
        self.own = rows.task if rows.task in composer.bank.tasks else None
        self.columns = [column for column in plan.columns if self.own or not column.needs_task]
        labelled = _labelled(composer, self.own) if any(one.candidate.needs_rows for one in self.columns) else ()
        self.choices = {
            (way, setting): Choices(
                composer, rows, way, setting, settings.retrieval, folder, index_id=index_id, labelled=labelled
            )
            for way in plan.asked
            for setting in self._where()
        }
        self.answerer = Answerer(composer, rows, settings, folder, unconditional=unconditional)
        self.normalization = settings.score.normalization
        self.normalizations = tuple(name for name in NORMALIZATIONS if name != PMI or unconditional)

    def _where(self) -> tuple[str, ...]:
        """The settings; of a task without an adapter those that take nothing of its own away, or what all have."""
        where = [name for name in self.plan.settings if self.own or SETTINGS[name].withholds == "nothing"]
        return tuple(where) or (SEEN,)

    def result(self, report: Callable[[], None]) -> TaskResult:
        chosen: dict[tuple[str, str], list[int | None]] = {}
        for i, (key, query) in enumerate(zip(self.rows.keys, self.rows.queries, strict=True)):
            answers = self.answerer.answer(key, query, [self._slot(column, i) for column in self.columns])
            for place, column in enumerate(self.columns):
                for how in self.normalizations:
                    found = _chosen(answers, place, rule_for(how, find_task(self.rows.task).harness))
                    chosen.setdefault((column.name, how), []).append(found)
            report()
        golds = tuple(_gold(query) for query in self.rows.queries)
        return TaskResult(
            task=self.rows.task,
            golds=golds,
            cells=tuple((column.name, self._cell(column.name, chosen, golds)) for column in self.columns),
            routed=tuple((route_name(*how), self._routed(one)) for how, one in self.choices.items())
            if self.own
            else (),
            held_out=self.own is None,
            types=_types(self.rows),
        )

    def _slot(self, column: Column, row: int) -> Slot:
        asked, setting = next(iter(self.choices))
        choices = self.choices[column.asked or asked, column.setting or setting]
        return Slot(column.candidate.method, choices.choice(column.candidate.strategy, row))

    def _cell(self, name: str, chosen: dict[tuple[str, str], list[int | None]], golds: tuple[int, ...]) -> Cell:
        correct = {
            how: sum(one == gold for one, gold in zip(chosen[name, how], golds, strict=True))
            for how in self.normalizations
        }
        return Cell(tuple(chosen[name, self.normalization]), tuple(correct.items()))

    def _routed(self, choices: Choices) -> Routed:
        weights = [choices.weights(i) for i in range(len(self.rows.keys))]
        return Routed(
            heaviest=sum(one.heaviest == self.own for one in weights),
            in_nucleus=sum(self.own in dict(one.kept) for one in weights),
            sizes=tuple(len(one.kept) for one in weights),
            nearest=tuple(choices.nearest(i) for i in range(len(self.rows.keys))),
        )


def _chosen(answers: RowAnswers, place: int, rule: str) -> int | None:
    """The place of the best option; the first on an exact tie; None without an answer."""
    sums = answers.sums[place]
    return None if sums is None else best(normalized(rule, sums, answers.sizes, answers.alone[place]))


def _types(rows: TaskRows) -> tuple[tuple[str, tuple[bool, ...]], ...]:
    return tuple((rule.name, tuple(rule.matches(query, rows.task) for query in rows.queries)) for rule in RULES)


def _gold(query: Query) -> int:
    if query.gold is None:
        raise SettingsError(f"a row has no right answer: {query.text[:60]!r}. Leave it out.")
    return query.gold


def _labelled(composer: Composer, own: str | None) -> tuple[Query, ...]:
    """The first of the task's examples in the bank that have a right answer."""
    if own is None or composer.bank.examples is None:
        return ()
    examples = read_examples(composer.bank.examples.path)
    queries = (examples.query(row) for row in examples.rows_of(own))
    return tuple(query for query in queries if query.gold is not None)[:LABELLED]


def _named(what: str, names: Sequence[str], known: Mapping[str, object]) -> tuple[str, ...]:
    """In the table's order. Raises SettingsError."""
    for name in names:
        if name not in known:
            raise SettingsError(unknown(what, name, known))
    if not names:
        raise SettingsError(f"no {what} was chosen. Choose at least one of {', '.join(known)}.")
    return tuple(name for name in known if name in names)


def _counter(progress: Progress | None, total: int) -> Callable[[], None]:
    done = 0

    def report() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    return report
