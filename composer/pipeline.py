"""The algorithm on one screen: retrieve -> route -> merge -> score, and `explain`, which is all of them as one record.

composer = Composer.open("embedded")
trace = composer.explain(Query("Where can I buy a tennis ball?", ("a sports store", "a bakery")))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from composer.bank.hub import BASE_FILES, folder_of
from composer.bank.manifest import Bank, load_bank
from composer.bank.store import DEVICE_BYTES, AdapterStore
from composer.config import ADAPTER_BYTES, ROOT, Settings
from composer.errors import BankError, ComposerError, SettingsError
from composer.indexing import IndexPlace, index_folder, open_index
from composer.inference.base import BaseModel, check_base, load_base
from composer.inference.prompts import FittedPrompt, fit_prompt
from composer.inference.scoring import score
from composer.merging import METHODS, TrimCache, contributions_of, merge, method_named
from composer.merging.cache import ByteCache, MergeKey, bytes_of, merge_key
from composer.merging.factors import MergedAdapter
from composer.retrieval.build import Progress
from composer.retrieval.encoder import Encoder
from composer.retrieval.index import SearchIndex
from composer.routing import reweigh, route
from composer.routing.kernels import kernel_named
from composer.types import Contribution, Failure, Neighbour, Prediction, Query, TaskWeights, Trace

Choice = Sequence[tuple[str, float]]
"""(task, weight): what a method merges."""
Clock = Callable[[str], None]


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

    @classmethod
    def open(
        cls,
        bank: str | Path | Bank = "embedded",
        *,
        index: IndexPlace = None,
        cache_dir: Path = ROOT / ".cache",
        device: str = "auto",
        adapter_bytes: int = ADAPTER_BYTES,
        progress: Progress | None = None,
    ) -> Composer:
        """Check and load everything; the first time, build the bank's index in `cache_dir` from its shipped vectors.

        `index` is a folder or server with an index of other examples; `adapter_bytes` bounds the adapters in memory, as
        `AppSettings.adapter_bytes` says.
        Raises a ComposerError that names what is missing, damaged or in use.
        """
        bank = bank if isinstance(bank, Bank) else load_bank(bank)
        encoder = Encoder(bank.encoder.location, revision=bank.encoder.revision, sha256=bank.encoder.sha256)
        opened = open_index(bank, encoder, cache_dir, index, progress=progress)
        try:
            base = _open_base(bank, device)
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
        """One run through all stages. `neighbours` at hand are re-weighted: changing top-p or kernel embeds nothing.

        A method that fails becomes a Failure in the trace; the others live. Raises QueryError or SettingsError.
        """
        settings = settings or self.default_settings()
        check_settings(settings)
        timings, clock = _stopwatch()
        neighbours = self._at_hand(neighbours, settings) or self.retrieve(query, settings)
        clock("retrieve")
        weights = self.route(neighbours, settings)
        clock("route")
        merged, failures = self._merge_all(weights.kept, settings)
        clock("merge")
        prompt = self.fit(query)
        answers = self.score(query, merged, settings, prompt)
        clock("score")
        predictions = tuple(answer for answer in answers if isinstance(answer, Prediction))
        answered = {prediction.method for prediction in predictions}
        # a merge that is not finite has no shares that could be shown, or written as JSON
        contributions = self.contributions(weights.kept, [m for m in merged if m.method in answered])
        clock("explain")
        return Trace(
            query=query,
            neighbours=tuple(neighbours),
            weights=weights,
            predictions=predictions,
            contributions=contributions,
            timings_ms=tuple(timings),
            bank=self.bank.name,
            failures=(*failures, *(a for a in answers if isinstance(a, Failure))),
            notes=_notes(weights, prompt),
        )

    def retrieve(self, query: Query, settings: Settings) -> tuple[Neighbour, ...]:
        """The training examples nearest to the question, by cosine distance."""
        vector = self.encoder.encode([query.retrieval_text])[0]
        return self.index.search(vector, settings.retrieval.top_k, settings.retrieval.kernel)

    def route(self, neighbours: Sequence[Neighbour], settings: Settings) -> TaskWeights:
        """Similarities summed per task, normalized, cut by the nucleus."""
        return route(neighbours, top_p=settings.retrieval.top_p, kernel=settings.retrieval.kernel)

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

    def score(
        self, query: Query, merged: Sequence[MergedAdapter], settings: Settings, prompt: FittedPrompt | None = None
    ) -> tuple[Prediction | Failure, ...]:
        """The base model's answer and one per merged adapter, in one forward pass."""
        return score(
            self.base,
            prompt or self.fit(query),
            query.options,
            merged,
            template=self.bank.prompt_template,
            normalization=settings.score.normalization,
        )

    def contributions(self, choice: Choice, merged: Sequence[MergedAdapter]) -> tuple[Contribution, ...]:
        """What each merge really applied of the adapters that went into it."""
        return contributions_of(merged, [self.adapters.get(task) for task, _ in choice], tuple(choice))

    def default_settings(self) -> Settings:
        """The bank's retrieval defaults, and the paper's four methods."""
        return Settings(retrieval=self.bank.retrieval)

    def _merge_all(self, choice: Choice, settings: Settings) -> tuple[list[MergedAdapter], list[Failure]]:
        merged: list[MergedAdapter] = []
        failures: list[Failure] = []
        for method in settings.methods:
            try:
                merged.append(self.merge(choice, settings, method))
            except BankError:
                raise  # a damaged bank is no method's fault
            except ComposerError as error:
                failures.append(Failure(method, str(error)))
        return merged, failures

    def _at_hand(self, neighbours: Sequence[Neighbour] | None, settings: Settings) -> tuple[Neighbour, ...]:
        """The given neighbours under the kernel asked for; none where more are asked for than were found before."""
        top_k = settings.retrieval.top_k
        if neighbours is None or len(neighbours) < min(top_k, self.index.manifest.total):
            return ()
        return reweigh(neighbours[:top_k], settings.retrieval.kernel)


def _open_base(bank: Bank, device: str) -> BaseModel:
    """What cannot run here is refused by its config, before gigabytes are fetched."""
    config, _ = folder_of(bank.base, ("config.json",))
    check_base(config, quantization=bank.quantization, device=device)
    folder, _ = folder_of(bank.base, BASE_FILES)
    return load_base(folder, quantization=bank.quantization, device=device)


def _memory(
    bank: Bank, base: BaseModel, adapter_bytes: int
) -> tuple[AdapterStore, TrimCache, ByteCache[MergeKey, MergedAdapter]]:
    store = AdapterStore(bank, base.module_shapes, adapter_bytes, device=base.device, dtype=base.dtype)
    nearby = adapter_bytes if base.device.type == "cpu" else DEVICE_BYTES
    return store, TrimCache(nearby), ByteCache(nearby // 16, lambda merged: bytes_of(merged.stacks))


def check_settings(settings: Settings) -> None:
    """What `Settings` cannot check by itself, before anything is loaded or computed: the names in the registries."""
    kernel_named(settings.retrieval.kernel)
    methods = settings.methods
    if not methods:
        raise SettingsError(f"no method was chosen. Choose at least one of {', '.join(METHODS)}.")
    for method in methods:
        method_named(method)
    if len(set(methods)) != len(methods):
        raise SettingsError("a method was named twice. Name each once.")


def _notes(weights: TaskWeights, prompt: FittedPrompt) -> tuple[str, ...]:
    notes = [prompt.note] if prompt.note else []
    if len(weights.kept) == 1:
        notes.append(
            f"Only {weights.heaviest} is in the nucleus: every method applies that adapter, apart from pruning."
        )
    return tuple(notes)


def _stopwatch() -> tuple[list[tuple[str, float]], Clock]:
    timings: list[tuple[str, float]] = []
    last = perf_counter()

    def clock(stage: str) -> None:
        nonlocal last
        now = perf_counter()
        timings.append((stage, (now - last) * 1000))
        last = now

    return timings, clock


__all__ = ["Composer", "check_settings", "index_folder", "open_index"]
