"""Two coordinates for every example, for a picture: near in 384 dimensions is mostly near here, and no more than that.

t-SNE on the leading principal components, made once with the bank and shipped; the components alone where nothing was
shipped. Both are deterministic. Distances are never measured here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from composer.errors import BankError

MAP_FILE = "map.parquet"
COMPONENTS = 50
PERPLEXITY = 40.0
SEED = 0


@dataclass(frozen=True, eq=False)
class Positions:
    """Columns of equal length."""

    row_ids: tuple[str, ...]
    points: np.ndarray
    """(n, 2) float32, each axis from 0 to 1"""


def project(vectors: np.ndarray, *, seed: int = SEED) -> np.ndarray:
    """(n, dimension) to (n, 2) by t-SNE, from 0 to 1. About a minute for 11,000 rows on two cores."""
    from sklearn.manifold import TSNE

    reduced = principal_components(vectors, COMPONENTS)
    if len(reduced) < 4:
        return _to_unit(principal_components(vectors, 2))
    perplexity = min(PERPLEXITY, (len(reduced) - 1) / 3)
    tsne = TSNE(n_components=2, perplexity=perplexity, init="pca", learning_rate="auto", random_state=seed)
    return _to_unit(tsne.fit_transform(reduced.astype(np.float32)))


def quick_projection(vectors: np.ndarray) -> np.ndarray:
    """(n, dimension) to (n, 2) by the two leading principal components: a second, and a rougher picture."""
    return _to_unit(principal_components(vectors, 2))


def principal_components(vectors: np.ndarray, count: int) -> np.ndarray:
    """(n, min(count, dimension)) float64; each component's sign is such that its largest loading is positive."""
    centered = np.asarray(vectors, dtype=np.float64)
    centered = centered - centered.mean(axis=0)
    _, axes = np.linalg.eigh(centered.T @ centered)
    leading = axes[:, ::-1][:, :count]
    signs = np.sign(leading[np.abs(leading).argmax(axis=0), np.arange(leading.shape[1])])
    return centered @ (leading * signs)


def write_map(folder: Path, row_ids: Sequence[str], vectors: np.ndarray) -> Path:
    """Project and write `map.parquet` into a bank's folder; name it among the bank's `files`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    points = project(vectors)
    columns = {"row_id": pa.array(row_ids, pa.string()), "x": pa.array(points[:, 0]), "y": pa.array(points[:, 1])}
    path = folder / MAP_FILE
    pq.write_table(pa.table(columns), path, compression="zstd")
    return path


def read_map(path: Path) -> Positions:
    """Raises BankError for a file that is damaged or holds no map."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, columns=["row_id", "x", "y"], use_threads=False)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise BankError(f"the map {path} cannot be read: {error}. Rebuild the bank.") from error
    points = np.stack([table.column(axis).to_numpy() for axis in ("x", "y")], axis=1).astype(np.float32)
    if not np.isfinite(points).all():
        raise BankError(f"the map {path} holds a position that is no number. Rebuild the bank.")
    return Positions(tuple(table.column("row_id").to_pylist()), points)


def _to_unit(points: np.ndarray) -> np.ndarray:
    """Each axis from 0 to 1."""
    low, high = points.min(axis=0), points.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    return ((points - low) / span).astype(np.float32)
