"""The algorithm on one screen: retrieve -> route -> merge -> score, and `run`, all of them as a growing record.

composer = Composer.open()
trace = composer.explain(Query("Where can I buy a tennis ball?", ("a sports store", "a bakery")))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np

from composer.bank.manifest import Bank, load_bank
from composer.bank.store import DEVICE_BYTES, AdapterStore
from composer.config import ADAPTER_BYTES, DEFAULT_BANK, ROOT, Settings
from composer.errors import BankError, ComposerError, SettingsError
from composer.indexing import IndexPlace, index_folder, open_index, place_named
from composer.inference.base import BaseModel, check_base, load_base
from composer.inference.gguf import Say, base_folder, config_folder
from composer.inference.looking import added_to, last_input, module_to_look_at
from composer.inference.prompts import FittedPrompt, encode_option, fit_prompt
from composer.inference.scoring import score
from composer.lineup import BASE, REFERENCES, candidate_named
from composer.merging import METHODS, TrimCache, contributions_of, gated, merge, method_named, named
from composer.merging.cache import ByteCache, MergeKey, bytes_of, merge_key
from composer.merging.factors import MergedAdapter
from composer.merging.gating import AnyAdapter, GatedAdapter, GateParts
from composer.retrieval.build import Progress
from composer.retrieval.encoder import Encoder
from composer.retrieval.index import SearchIndex
from composer.routing import STRATEGIES, Choice, Evidence, Gate, reweigh, route
from composer.routing.closeness import warning
from composer.routing.kernels import kernel_named
from composer.scores import HARNESS, rule_for
from composer.tasks import find_task
from composer.trial import Trial
from composer.types import Contribution, Failure, Neighbour, Prediction, Query, TaskWeights, Trace

Rescue = Callable[[str, Exception], Failure]
"""Makes words of an error that nobody foresaw, for the candidate of that name."""


@dataclass(frozen=True, eq=False)
class Composer:
    """A bank at work. Nothing in it changes between questions, so threads may share it. Made by `Composer.open`."""

    bank: Bank
    encoder: Encoder
    index: SearchIndex
    base: BaseModel
    adapters: AdapterStore
    trimmed: TrimCache
    merges: ByteCache[MergeKey, MergedAdapter]
    gate_parts: GateParts

    @classmethod
    def open(
        cls,
        bank: str | Path | Bank = DEFAULT_BANK,
        *,
        index: IndexPlace | str = None,
        cache_dir: str | Path = ROOT / ".cache",
        device: str = "auto",
        quantization: str | None = None,
        adapter_bytes: int = ADAPTER_BYTES,
        progress: Progress | None = None,
        say: Say | None = None,
        only_bank_tasks: bool = False,
    ) -> Composer:
        """Check and load everything; the first time, build the bank's index in `cache_dir` from its shipped vectors.

        `index` is a folder or server with an index of other examples, of which `only_bank_tasks` leaves out those of
        tasks that the bank has no adapter for; `quantization` is the bank's unless given;
        `adapter_bytes` bounds the adapters in memory, as `AppSettings.adapter_bytes` says. `progress` hears of rows
        that are indexed, `say` of what else takes long.
        Raises a ComposerError that names what is missing, damaged or in use.
        """
        bank = bank if isinstance(bank, Bank) else load_bank(bank)
        encoder, cache_dir = Encoder(bank.encoder), Path(cache_dir)
        place = place_named(index) if isinstance(index, str) else index
        opened = open_index(bank, encoder, cache_dir, place, progress=progress, only_bank_tasks=only_bank_tasks)
        try:
            base = _open_base(bank, cache_dir, device, quantization or bank.quantization, say)
            encoder.load()
            return cls(bank, encoder, opened, base, *_memory(bank, base, adapter_bytes))
        except BaseException:
            opened.close()
            raise

    def close(self) -> None:
        """Give the index back to other processes."""
        self.index.close()

    def explain(
        self, query: Query, settings: Settings | None = None, neighbours: Sequence[Neighbour] | None = None
    ) -> Trace:
        """The whole trace of one run, without reference rows."""
        *_, last = self.run(query, settings, neighbours, references=())
        return last

    def run(
        self,
        query: Query,
        settings: Settings | None = None,
        neighbours: Sequence[Neighbour] | None = None,
        *,
        references: Sequence[str] = REFERENCES,
        apart: bool = False,
        rescue: Rescue | None = None,
    ) -> Iterator[Trace]:
        """One run through all stages, as a trace that grows: what the question resembles, the answers, the references.

        `neighbours` at hand are re-weighted: changing top-p or kernel embeds nothing. All methods answer in one pass,
        or with `apart` each in its own, one after another. A method that cannot be merged or scored becomes a Failure;
        what breaks for a reason that nobody foresaw is raised, or becomes the Failure that `rescue` makes of it: of one
        method where its merge broke, of all in the pass where that did. A reference that fails takes no answer away.
        Raises QueryError or SettingsError, before anything is computed.
        """
        settings = settings or self.default_settings()
        check_settings(settings)
        clock = _Stopwatch()
        prompt = self.fit(query)
        neighbours = self._at_hand(neighbours, settings) or self.retrieve(query, settings)
        clock("retrieve")
        weights = self.route(neighbours, settings)
        clock("route")
        trace = Trace(
            query=query,
            neighbours=tuple(neighbours),
            weights=weights,
            predictions=(),
            contributions=(),
            timings_ms=clock.timings,
            bank=self.bank.name,
            notes=_notes(neighbours, weights, prompt, settings),
        )
        yield trace
        for names in [(name,) for name in settings.methods] if apart else [settings.methods]:
            try:
                trace = self._answered(trace, names, settings, prompt, clock, rescue)
            except ComposerError:
                raise
            except Exception as error:
                if rescue is None:
                    raise
                trace = self._answered(trace, (), settings, prompt, clock)  # what the base says is not lost
                trace = replace(trace, failures=(*trace.failures, *(rescue(name, error) for name in names)))
            yield trace
        if references:
            answers = self._referred(references, trace, settings, prompt, rescue)
            clock("references")
            yield replace(trace, references=answers, timings_ms=clock.timings)

    def retrieve(self, query: Query, settings: Settings) -> tuple[Neighbour, ...]:
        """The training examples nearest to the question, by cosine distance."""
        vector = self.encoder.encode([query.retrieval_text])[0]
        return self.index.search(vector, settings.retrieval.top_k, settings.retrieval.kernel)

    def route(self, neighbours: Sequence[Neighbour], settings: Settings) -> TaskWeights:
        """Similarities summed per task, normalized, cut by the nucleus."""
        return route(neighbours, top_p=settings.retrieval.top_p, kernel=settings.retrieval.kernel)

    def evidence(
        self,
        query: Query,
        neighbours: Sequence[Neighbour],
        weights: TaskWeights,
        *,
        own: str | None = None,
        withheld: frozenset[str] = frozenset(),
        labelled: Sequence[Query] = (),
    ) -> Evidence:
        """What a strategy may look at. `own` is the row's own task, where it is known; the adapters of the tasks
        `withheld`, and their examples, are taken away. `labelled` are rows of the question's task to try choices on:
        5 at least, or none. Raises SettingsError for fewer."""
        tasks = tuple(task for task in self.bank.tasks if task not in withheld)
        return Evidence(
            query=query,
            neighbours=tuple(neighbours),
            weights=weights,
            tasks=tasks,
            own=own,
            embed=lambda: self.encoder.encode([query.retrieval_text])[0],
            examples=lambda: self.index.vectors().without(withheld),
            trial=self.trial(labelled, self.default_settings()) if labelled else None,
            look=lambda: self.look(query, tasks),
        )

    def trial(self, rows: Sequence[Query], settings: Settings) -> Callable[[Choice], float]:
        """Gives the mean loss of a choice, averaged to one adapter, on these rows: see `Trial`, and what it raises."""
        return Trial.of(self.base, self.adapters, self.bank.prompt_template, rows, settings.merge)

    def look(self, query: Query, tasks: Sequence[str]) -> Mapping[str, np.ndarray]:
        """What each of these tasks' adapters would add to the last token of the prompt, where the model's last block
        asks its query: task -> (out_features,). One pass of the base alone."""
        module = module_to_look_at(self.base.module_shapes)
        inputs = last_input(self.base, self.fit(query).text_tokens, module)
        out_features, _ = self.base.module_shapes[module]
        return {task: added_to(inputs, self.adapters.on_host(task), module, out_features) for task in tasks}

    def candidate(self, name: str, evidence: Evidence, settings: Settings) -> AnyAdapter | None:
        """What a row of the line-up adds to the base for this evidence; None for the base alone.

        Raises MergeError where it cannot be merged, SettingsError where the evidence lacks what its strategy needs.
        """
        row = candidate_named(name)
        choice = STRATEGIES[row.strategy].choose(evidence)
        if isinstance(choice, Gate):
            return replace(self.gate(choice), method=name)
        if row.method is None or not choice:
            return None
        return replace(self.merge(choice, settings, row.method), method=name)

    def merge(self, choice: Choice, settings: Settings, method: str) -> MergedAdapter:
        """The tasks' adapters as one, by a method: a value that is kept for a while. Read it only."""
        adapters = [self.adapters.get(task) for task, _ in choice]
        key = merge_key(method, method_named(method), adapters, choice, settings.merge)
        return self.merges.or_made(
            key,
            lambda: merge(
                method,
                adapters,
                tuple(choice),
                settings.merge,
                self.trimmed,
                dtype=self.base.dtype,
                listed=self.base.device.type == "cuda",  # where memory is scarce and copies of 7b factors are large
            ),
        )

    def gate(self, gate: Gate) -> GatedAdapter:
        """The tasks' adapters as a gate weighs them, token by token."""
        adapters = [self.adapters.get(task) for task in gate.tasks]
        return gated(
            gate.rule,
            adapters,
            top_k=gate.top_k,
            temperature=gate.temperature,
            dtype=self.base.dtype,
            parts=self.gate_parts,
        )

    def fit(self, query: Query) -> FittedPrompt:
        """The question in the bank's template, its context cut in the middle where the model has no room for it."""
        return fit_prompt(
            self.base.tokenizer,
            self.bank.prompt_template,
            query.context,
            query.text,
            query.options,
            self.base.max_tokens,
        )

    def option_tokens(self, query: Query) -> list[int]:
        """How many tokens each option has."""
        return [len(encode_option(self.base.tokenizer, self.bank.prompt_template, option)) for option in query.options]

    def score(
        self,
        query: Query,
        merged: Sequence[AnyAdapter],
        settings: Settings,
        prompt: FittedPrompt | None = None,
        *,
        task: str | None = None,
        base_too: bool = True,
        unconditional: bool = False,
    ) -> tuple[Prediction | Failure, ...]:
        """The base model's answer and one per merge or gate, in one forward pass.

        `task` is the one whose metric the normalization `harness` takes: `acc`, the plain sum, where it is not known.
        `unconditional` reads the options after the bare template too: see `Prediction.unconditional`.
        """
        return score(
            self.base,
            prompt or self.fit(query),
            query.options,
            merged,
            template=self.bank.prompt_template,
            normalization=rule_for(settings.score.normalization, find_task(task).harness if task else "acc"),
            unconditional=unconditional,
            base_too=base_too,
        )

    def contributions(self, choice: Choice, merged: Sequence[MergedAdapter]) -> tuple[Contribution, ...]:
        """What each merge really applied of the adapters that went into it."""
        return contributions_of(merged, [self.adapters.get(task) for task, _ in choice], tuple(choice))

    def default_settings(self) -> Settings:
        """The bank's retrieval defaults, and the paper's four methods."""
        return Settings(retrieval=self.bank.retrieval, score=self.bank.score)

    def _answered(
        self,
        trace: Trace,
        names: Sequence[str],
        settings: Settings,
        prompt: FittedPrompt,
        clock: _Stopwatch,
        rescue: Rescue | None = None,
    ) -> Trace:
        """The trace with the answers of these methods, and with the base's where it has not answered yet."""
        merged, failures = self._merge_all(names, trace, settings, rescue)
        clock("merge")
        base_too = trace.answer(BASE) is None
        task = trace.weights.heaviest
        scoring = bool(merged) or base_too
        answers = self.score(trace.query, merged, settings, prompt, task=task, base_too=base_too) if scoring else ()
        clock("score")
        # a merge that is not finite has no shares that could be shown, or written as JSON
        answered = {answer.method for answer in answers if isinstance(answer, Prediction)}
        merges = [one for one in merged if isinstance(one, MergedAdapter) and one.method in answered]
        shares = self.contributions(trace.weights.kept, merges)  # a gate has none: its weights differ by token
        clock("explain")
        grown = _with_answers(trace, answers, failures)
        return replace(grown, contributions=(*trace.contributions, *shares), timings_ms=clock.timings)

    def _referred(
        self,
        names: Sequence[str],
        trace: Trace,
        settings: Settings,
        prompt: FittedPrompt,
        rescue: Rescue | None,
    ) -> tuple[Prediction | Failure, ...]:
        try:
            merged, failures = self._merge_all(names, trace, settings, rescue)
            task = trace.weights.heaviest
            scored = self.score(trace.query, merged, settings, prompt, task=task, base_too=False) if merged else ()
            return (*scored, *failures)
        except ComposerError as error:
            return tuple(Failure(name, str(error)) for name in names)
        except Exception as error:
            if rescue is None:
                raise
            return tuple(rescue(name, error) for name in names)

    def _merge_all(
        self, names: Sequence[str], trace: Trace, settings: Settings, rescue: Rescue | None
    ) -> tuple[list[AnyAdapter], list[Failure]]:
        evidence = self.evidence(trace.query, trace.neighbours, trace.weights)
        merged: list[AnyAdapter] = []
        failures: list[Failure] = []
        for name in names:
            try:
                made = self.candidate(name, evidence, settings)
                merged += [made] if made else []
            except BankError:
                raise  # a damaged bank is no method's fault
            except ComposerError as error:
                failures.append(Failure(name, str(error)))
            except Exception as error:
                if rescue is None:
                    raise
                failures.append(rescue(name, error))
        return merged, failures

    def _at_hand(self, neighbours: Sequence[Neighbour] | None, settings: Settings) -> tuple[Neighbour, ...]:
        """The given neighbours under the kernel asked for; none where more are asked for than were found before."""
        top_k = settings.retrieval.top_k
        if neighbours is None or len(neighbours) < min(top_k, self.index.manifest.total):
            return ()
        return reweigh(neighbours[:top_k], settings.retrieval.kernel)


def _open_base(bank: Bank, cache_dir: Path, device: str, quantization: str, say: Say | None) -> BaseModel:
    """What cannot run here is refused by its config, before gigabytes are fetched."""
    check_base(config_folder(bank.base, cache_dir, say=say), quantization=quantization, device=device)
    return load_base(base_folder(bank.base, cache_dir, say=say), quantization=quantization, device=device)


def _memory(
    bank: Bank, base: BaseModel, adapter_bytes: int
) -> tuple[AdapterStore, TrimCache, ByteCache[MergeKey, MergedAdapter], GateParts]:
    store = AdapterStore(bank, base.module_shapes, adapter_bytes, device=base.device, dtype=base.dtype)
    nearby = adapter_bytes if base.device.type == "cpu" else DEVICE_BYTES
    merges: ByteCache[MergeKey, MergedAdapter] = ByteCache(nearby // 16, lambda merged: bytes_of(merged.stacks))
    return store, TrimCache(nearby), merges, GateParts(nearby // 8)


def check_settings(settings: Settings) -> None:
    """What `Settings` cannot check by itself, before anything is loaded or computed: the names in the registries."""
    kernel_named(settings.retrieval.kernel)
    methods = settings.methods
    if not methods:
        raise SettingsError(f"no method was chosen. Choose at least one of {', '.join(map(named, METHODS))}.")
    for method in methods:
        method_named(method)
    if len(set(methods)) != len(methods):
        raise SettingsError("a method was named twice. Name each once.")


def _notes(
    neighbours: Sequence[Neighbour], weights: TaskWeights, prompt: FittedPrompt, settings: Settings
) -> tuple[str, ...]:
    notes = [note for note in (warning(neighbours), prompt.note) if note]
    if len(weights.kept) == 1:
        evening = "".join(
            f" and {METHODS[name].title}'s evening out" for name in settings.methods if METHODS[name].evens
        )
        notes.append(
            f"Only {weights.heaviest} is in the nucleus: every method applies that adapter, "
            f"apart from pruning{evening}."
        )
    if settings.score.normalization == HARNESS:
        metric = find_task(weights.heaviest).harness
        notes.append(
            f"Options are scored as lm-evaluation-harness scores {weights.heaviest}, the heaviest task: by {metric}, "
            f"{_METRICS[metric]}."
        )
    return tuple(notes)


_METRICS = {"acc": "the plain sum of log-probabilities", "acc_norm": "the log-probability per character"}


def _with_answers(trace: Trace, answers: Sequence[Prediction | Failure], failures: Sequence[Failure]) -> Trace:
    return replace(
        trace,
        predictions=(*trace.predictions, *(answer for answer in answers if isinstance(answer, Prediction))),
        failures=(*trace.failures, *failures, *(answer for answer in answers if isinstance(answer, Failure))),
    )


class _Stopwatch:
    """Milliseconds per stage; a stage that comes again is added up."""

    def __init__(self) -> None:
        self._spent: dict[str, float] = {}
        self._last = perf_counter()

    def __call__(self, stage: str) -> None:
        now = perf_counter()
        self._spent[stage] = self._spent.get(stage, 0.0) + (now - self._last) * 1000
        self._last = now

    @property
    def timings(self) -> tuple[tuple[str, float], ...]:
        return tuple(self._spent.items())


__all__ = ["Composer", "check_settings", "index_folder", "open_index"]
