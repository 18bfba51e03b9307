"""Settings as values. The environment is read once, at the edge, by `AppSettings.from_env`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from composer.errors import SettingsError, shown, unknown

ROOT = Path(__file__).resolve().parent.parent
ADAPTERS = ROOT / "adapters"
ADAPTER_BYTES = 2 * 1024**3
DEFAULT_BANK = "smollm2-135m"

DEFAULT_METHODS = ("linear", "cat", "ties", "magnitude_prune")
"""The paper's. The registry's other methods run where they are asked for."""
LARGEST_SEED = 2**63 - 1

NORMALIZATIONS: dict[str, str] = {
    "tokens": "the mean log-probability per token",
    "sum": "the plain sum of the log-probabilities, which favours short options",
    "bytes": "the log-probability per UTF-8 byte",
    "pmi": "what the question adds: the log-probability less that after the prompt template with no question",
    "harness": "as lm-evaluation-harness scores the task: the plain sum, or per character where it reports acc_norm",
}
"""Name to what an option's score is then, for a person."""


def _check_share(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise SettingsError(f"{name} is {shown(value)}; it must be above 0 and at most 1.")


def _check_whole(name: str, value: int, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise SettingsError(f"{name} is {shown(value)}; it must be a whole number from {low} to {high}.")


@dataclass(frozen=True)
class RetrievalSettings:
    """How neighbours become task weights (paper, section 6.2)."""

    top_k: int = 100
    top_p: float = 0.9
    kernel: str = "inverse"

    def __post_init__(self) -> None:
        _check_whole("top-k", self.top_k, 1, 1_000)
        _check_share("top-p", self.top_p)


@dataclass(frozen=True)
class MergeSettings:
    """What the methods that prune, elect or truncate need."""

    density: float = 0.7
    """Share of the entries that pruning keeps: of each factor, or in Core Space of each core."""
    majority_sign_method: str = "frequency"
    """`frequency` or `total`: how the TIES methods elect signs."""
    svd_rank: int | None = None
    """The rank that svd cuts to; None for the largest rank among the adapters."""
    seed: int = 0
    """Which entries the DARE methods drop."""

    def __post_init__(self) -> None:
        _check_share("density", self.density)
        if self.svd_rank is not None:
            _check_whole("svd-rank", self.svd_rank, 1, 512)
        _check_whole("seed", self.seed, 0, LARGEST_SEED)
        if self.majority_sign_method not in ("frequency", "total"):
            raise SettingsError(unknown("majority sign method", self.majority_sign_method, ("frequency", "total")))


@dataclass(frozen=True)
class ScoreSettings:
    normalization: str = "tokens"
    """One of NORMALIZATIONS."""

    def __post_init__(self) -> None:
        if self.normalization not in NORMALIZATIONS:
            raise SettingsError(unknown("normalization", self.normalization, NORMALIZATIONS))


@dataclass(frozen=True)
class Settings:
    """All that shapes one answer, besides the question and the bank."""

    retrieval: RetrievalSettings = RetrievalSettings()
    merge: MergeSettings = MergeSettings()
    score: ScoreSettings = ScoreSettings()
    methods: tuple[str, ...] = DEFAULT_METHODS


@dataclass(frozen=True)
class AppSettings:
    """Where the app listens and what it serves."""

    bank: str = DEFAULT_BANK
    index: str | None = None
    """A folder, or a Chroma server's address, with an index of other examples than the bank's own."""
    collection: str | None = None
    """Which of that server's."""
    only_bank_tasks: bool = False
    """Leave out its examples of tasks that the bank has no adapter for, in place of refusing the index."""
    host: str = "127.0.0.1"
    port: int = 7860
    cache_dir: Path = ROOT / ".cache"
    adapter_bytes: int = ADAPTER_BYTES
    """Of adapters kept in memory; as much again for their trimmed copies, an eighth for finished merges and gates."""
    space_id: str | None = None
    """`owner/name` on a Hugging Face Space: where links to a run must lead."""
    device: str = "auto"
    """`auto`, `cpu` or `cuda`. On a ZeroGPU Space `cpu` answers without asking for a GPU."""
    quantization: str | None = None
    """`none`, `nf4`, `int8` or `auto` (nf4 on a GPU, none on a CPU); None for what the bank says."""
    zero_gpu: bool = False
    """On a Space whose GPU is lent for the length of one call."""
    queue_size: int = 64
    """Events that may wait; a visitor beyond that is told to come back instead of waiting without end."""
    sessions: int = 500
    """Visitors whose last run is kept; one who comes back after that many others finds the first run again."""
    trust_proxy: bool = False
    """Whether a proxy in front tells the visitors' addresses, in X-Forwarded-For."""
    answer_seconds: int | None = None
    """In which an answer must be there; None for 30, or 600 of a slow base model. A lent GPU has limits of its own."""
    uploads: bool = False
    log_queries: bool = False
    """Whether the log may hold what visitors typed."""
    mcp: bool = False
    """Offer `/compare` to language models as a tool too, over MCP; needs the package mcp."""
    ssr: bool = False
    """Render the first view of the page on the server, with Node."""

    @property
    def borrows_gpu(self) -> bool:
        """Whether the models work where ZeroGPU lends them a GPU."""
        return self.zero_gpu and self.device != "cpu"

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> AppSettings:
        """COMPOSER_*, GRADIO_SERVER_NAME, _PORT and _SSR_MODE, SPACE_ID, SPACES_ZERO_GPU. Raises SettingsError."""
        space_id = env.get("SPACE_ID") or None
        return cls(
            bank=env.get("COMPOSER_BANK") or DEFAULT_BANK,
            index=env.get("COMPOSER_INDEX") or None,
            collection=env.get("COMPOSER_COLLECTION") or None,
            only_bank_tasks=_flag(env, "COMPOSER_ONLY_BANK_TASKS"),
            # A Space's visitors come from outside of its container.
            host=env.get("GRADIO_SERVER_NAME") or ("0.0.0.0" if space_id else "127.0.0.1"),
            port=_number(env, "GRADIO_SERVER_PORT", 7860, 65_535),
            cache_dir=Path(env.get("COMPOSER_CACHE") or ROOT / ".cache"),
            adapter_bytes=_number(env, "COMPOSER_ADAPTER_BYTES", ADAPTER_BYTES, 2**50),
            space_id=space_id,
            device=env.get("COMPOSER_DEVICE") or "auto",
            quantization=env.get("COMPOSER_QUANTIZATION") or None,
            zero_gpu=_flag(env, "SPACES_ZERO_GPU"),
            queue_size=_number(env, "COMPOSER_QUEUE", 64, 10_000),
            sessions=_number(env, "COMPOSER_SESSIONS", 500, 100_000),
            # A Space stands behind one.
            trust_proxy=_flag(env, "COMPOSER_TRUST_PROXY", default=bool(space_id)),
            answer_seconds=_number(env, limit, 0, 86_400) if env.get(limit := "COMPOSER_ANSWER_SECONDS") else None,
            uploads=_flag(env, "COMPOSER_UPLOADS"),
            log_queries=_flag(env, "COMPOSER_LOG_QUERIES"),
            mcp=_flag(env, "COMPOSER_MCP"),
            ssr=_flag(env, "GRADIO_SSR_MODE"),
        )


def _number(env: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = env.get(name) or str(default)
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= most:
        what = "a port number" if name.endswith("_PORT") else "a whole number"
        raise SettingsError(f"{name} is {shown(text)}; it must be {what} from 1 to {most}.")
    return int(text)


def _flag(env: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    text = env.get(name, "").strip().lower() or str(default).lower()
    if text not in _FLAGS:
        raise SettingsError(f"{name} is {shown(env[name])}; it must be 1 or 0.")
    return _FLAGS[text]


_FLAGS = {"": False, "0": False, "false": False, "no": False, "off": False} | dict.fromkeys(
    ("1", "true", "yes", "on", "t"), True
)
