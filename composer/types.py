"""The values that flow between the stages: frozen, hashable and free of torch, so that they serve as cache keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from composer.errors import QueryError

MAX_QUESTION_CHARS = 4_000
MAX_OPTION_CHARS = 2_000
MAX_PASSAGE_CHARS = 40_000
"""Several times what any model here reads: what is beyond its context is cut, but all of it is split into tokens."""
MIN_OPTIONS, MAX_OPTIONS = 2, 8


@dataclass(frozen=True)
class Query:
    """A question with its options, as a person types it. Raises QueryError for what cannot be answered."""

    text: str
    options: tuple[str, ...]
    gold: int | None = None
    """Index of the right option, where it is known (evaluation). Never shown to retrieval or to a model."""
    context: str | None = None
    """A passage that the question is about; the only part that may be cut when a prompt is too long."""
    hint: str | None = None
    """What kind of task this is, in a sentence: retrieval reads it, the models do not. A typed question has none, but
    for its options, where these are to be compared too."""

    def __post_init__(self) -> None:
        if isinstance(self.options, str) or not isinstance(self.options, Iterable):
            raise QueryError(f"the options are a {type(self.options).__name__}, not a list. Give a list of strings.")
        object.__setattr__(self, "options", tuple(self.options))
        _check_text("question", self.text, MAX_QUESTION_CHARS)
        for what, text in (("passage", self.context), ("hint", self.hint)):
            if text is not None:
                _check_text(what, text, MAX_PASSAGE_CHARS)
        if not MIN_OPTIONS <= len(self.options) <= MAX_OPTIONS:
            raise QueryError(
                f"{len(self.options)} answer options were given; {MIN_OPTIONS} to {MAX_OPTIONS} are needed. "
                "Write one option per line."
            )
        for number, option in enumerate(self.options, start=1):
            _check_text(f"option {number}", option, MAX_OPTION_CHARS)
        seen: dict[str, int] = {}
        for number, option in enumerate(self.options, start=1):
            first = seen.setdefault(option.strip(), number)
            if first != number:
                raise QueryError(
                    f"options {first} and {number} are the same ({option.strip()[:40]!r}). Change or remove one."
                )
        if self.gold is not None and not 0 <= self.gold < len(self.options):
            raise QueryError(f"gold is {self.gold}; it must be the index of one of {len(self.options)} options.")

    @property
    def retrieval_text(self) -> str:
        """What the encoder embeds: hint, context and question, one per line."""
        return "\n".join(part for part in (self.hint, self.context, self.text) if part)


def _check_text(what: str, text: object, limit: int) -> None:
    if not isinstance(text, str):
        raise QueryError(f"the {what} is a {type(text).__name__}, not text. Give a string.")
    if len(text) > limit:
        raise QueryError(f"the {what} has {len(text):,} characters; {limit:,} are allowed. Shorten it.")
    if not text.strip():
        raise QueryError(f"the {what} is empty. Write at least one character that is not a space.")
    if "\x00" in text:
        raise QueryError(f"the {what} holds a NUL character, which no text has. Remove it.")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise QueryError(f"the {what} holds half of a surrogate pair, which is no character. Paste the text again.")


@dataclass(frozen=True)
class Neighbour:
    """One retrieved training example."""

    task: str
    text: str
    distance: float
    """Cosine distance to the question, 0 (same direction) to 2."""
    vote: float
    """The kernel's value of the distance: what the example counts for its task."""
    row_id: str = ""

    @property
    def similarity(self) -> float:
        """Cosine similarity to the question, 1 (same direction) to -1."""
        return 1 - self.distance


@dataclass(frozen=True)
class TaskWeights:
    """The task distribution, cut by a nucleus. `kept` sums to 1; `dropped` holds the masses before the cut."""

    kept: tuple[tuple[str, float], ...]
    """(task, weight), heaviest first, renormalized inside the nucleus."""
    dropped: tuple[tuple[str, float], ...]
    """(task, mass) outside of the nucleus, not renormalized: with the kept masses they sum to 1."""
    top_p: float
    kernel: str

    def __iter__(self) -> Iterator[tuple[str, float]]:
        return iter(self.kept)

    @property
    def heaviest(self) -> str:
        return self.kept[0][0]


@dataclass(frozen=True)
class Prediction:
    """What one model (the base, or a merge) makes of the options, in the order in which they were given."""

    method: str
    scores: tuple[float, ...]
    """The normalized log-probability of each option; the probabilities are their softmax."""
    log_probabilities: tuple[float, ...]
    """Sum of the log-probabilities (nats) of each option's tokens after the prompt."""
    probabilities: tuple[float, ...]
    chosen: int
    """Index of the highest score; the first one on an exact tie."""
    milliseconds: float = 0.0
    unconditional: tuple[float, ...] | None = None
    """As `log_probabilities`, but after the template with no question; only where it was asked for (pmi)."""

    @property
    def margin(self) -> float:
        """Probability of the chosen option less that of the runner-up."""
        first, second = sorted(self.probabilities, reverse=True)[:2]
        return first - second


@dataclass(frozen=True)
class Contribution:
    """What a merge really applied, measured on the updates themselves and averaged over modules by energy."""

    method: str
    effective: tuple[tuple[str, float], ...]
    """(task, effective weight): the least-squares weights of the adapters' own updates in the merged update."""
    off_span: float
    """Share (0 to 1) of the update's squared norm that no weighting of the adapters' updates explains."""
    norm_ratio: float
    """Frobenius norm of the merged update over that of the exact weighted sum."""


@dataclass(frozen=True)
class Failure:
    """A method that could not answer, and why, in one sentence."""

    method: str
    message: str


@dataclass(frozen=True)
class Trace:
    """One run through all stages: what the page, the API, exports and evaluation read. It grows: see `pipeline.run`."""

    query: Query
    neighbours: tuple[Neighbour, ...]
    weights: TaskWeights
    predictions: tuple[Prediction, ...]
    """The base model first (method "base"), then one per method. Empty in a trace that has not been answered yet."""
    contributions: tuple[Contribution, ...]
    timings_ms: tuple[tuple[str, float], ...]
    bank: str
    failures: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = field(default=())
    """Sentences a person should know of: a cut context, one task alone in the nucleus."""
    references: tuple[Prediction | Failure, ...] = ()
    """What the merges are compared with, besides the base: see `lineup.REFERENCES`."""

    def prediction(self, method: str) -> Prediction:
        return next(p for p in self.predictions if p.method == method)

    def answer(self, method: str) -> Prediction | Failure | None:
        """Of the base or a method; None as long as there is none."""
        known: tuple[Prediction | Failure, ...] = (*self.predictions, *self.failures)
        return next((one for one in known if one.method == method), None)
