"""An index on a Chroma server over HTTP, for examples that outgrow one machine. The same checks, files apart.

The manifest stands in the collection's metadata and is written last, as on disk. What a server keeps on its own disk is
out of sight, so damage there shows only in counts and in rows that no longer find themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from composer.errors import SearchIndexError, SettingsError
from composer.retrieval.build import IndexRows, Progress, canaries_of, plan_of, store_rows
from composer.retrieval.chroma import COLLECTION, HNSW, Collection, chroma_version
from composer.retrieval.index import SearchIndex, check_origin
from composer.retrieval.manifest import VERSION, IndexManifest, manifest_from, manifest_text

PLAN, MANIFEST = "composer_plan", "composer_manifest"
CANARIES = 8
"""Two kilobytes each in the metadata, and a request each at every start."""


@dataclass(frozen=True)
class ServerPlace:
    """Where on which server. Raises SettingsError for an address that is none."""

    url: str
    collection: str = COLLECTION

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            plain = parts.path in ("", "/") and not (parts.query or parts.fragment or parts.username or parts.password)
            known = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0 and plain
        except ValueError:
            known = False
        if not known:
            raise SettingsError(
                f"the server's address is {self.url!r}; it must be http:// or https://, a host and perhaps a port, "
                "such as http://localhost:8000."
            )

    def __str__(self) -> str:
        return f"{self.url.rstrip('/')} (collection {self.collection})"

    def connect(self) -> Any:  # noqa: ANN401 - Chroma's own type would import it
        # Imported here: 0.7 s, and only an index needs it.
        import chromadb
        from chromadb.config import Settings

        parts = urlsplit(self.url)
        secure = parts.scheme == "https"
        return chromadb.HttpClient(
            host=parts.hostname or "",
            port=parts.port or (443 if secure else 8000),
            ssl=secure,
            settings=Settings(anonymized_telemetry=False),
        )


class ServerCollection(Collection):
    """As on disk, with the server's own errors."""

    def __init__(self, place: ServerPlace, *, create_with: dict[str, str] | None = None) -> None:
        """`create_with` is the metadata of a collection that is made where it is missing."""
        self.where = str(place)
        self.place = place
        create = {"configuration": {"hnsw": HNSW}, "metadata": create_with} if create_with is not None else None
        self._connect(place.connect, create, place.collection)

    @property
    def metadata(self) -> dict[str, Any]:
        return dict(self._collection.metadata or {})

    def write_metadata(self, metadata: dict[str, str]) -> None:
        with self._in_words():
            self._collection.modify(metadata=metadata)

    def delete(self) -> None:
        with self._in_words():
            self._client.delete_collection(self.place.collection)

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        import httpx
        from chromadb.errors import NotFoundError

        try:
            with super()._in_words():
                yield
        except httpx.HTTPError as error:
            raise self._translated(str(error)) from error
        except SearchIndexError as error:
            if isinstance(error.__cause__, NotFoundError):
                raise no_index(self.where) from error
            raise

    def _translated(self, message: str) -> SearchIndexError:
        server, lowered = f"the Chroma server at {self.place.url}", message.lower()
        if "could not connect" in lowered or "connection" in lowered or "timed out" in lowered:
            return SearchIndexError(
                f"{server} cannot be reached. Start it (`chroma run --path FOLDER`) or correct the address."
            )
        return SearchIndexError(f"{server} refused: {message.strip()[:160]}. Its log may say more.")


def no_index(where: str) -> SearchIndexError:
    return SearchIndexError(
        f"there is no finished example index at {where}. Build it with `python -m composer index build --server URL`."
    )


def open_on_server(place: ServerPlace, encoder_sha256: str, source_sha256: str | None = None) -> SearchIndex:
    """Raises SearchIndexError where the server cannot be reached, or the index there is missing, unfinished, damaged,
    made with another encoder, or (where `source_sha256` is given) made from other examples."""
    with ExitStack() as undo:
        collection = undo.enter_context(closing(ServerCollection(place)))
        manifest = _manifest_of(collection)
        if manifest is None:
            raise no_index(collection.where)
        check_origin(collection.where, manifest, encoder_sha256, source_sha256)
        index = SearchIndex(manifest, collection)
        index.check()
        undo.pop_all()
        return index


def build_on_server(
    place: ServerPlace,
    rows: Callable[[], IndexRows],
    *,
    encoder_sha256: str,
    source_sha256: str,
    progress: Progress,
    force: bool = False,
) -> IndexManifest:
    """Build, or finish a build of the same rows that was cut short. A current index is left as it is, unless forced.

    `rows` are made only where there is something to build. No lock holds another builder off: two of the same rows do
    the same work twice, two of different rows are noticed by the count. Raises SearchIndexError; a collection that is
    not an index of ours is never touched.
    """
    plan = json.dumps(plan_of(encoder_sha256, source_sha256), sort_keys=True)
    with ExitStack() as stack:
        collection = stack.enter_context(closing(ServerCollection(place, create_with={PLAN: plan})))
        manifest = None if force else _manifest_of(collection)
        if manifest is not None and _is_of(manifest, encoder_sha256, source_sha256):
            return manifest
        if force or collection.metadata.get(PLAN) != plan:
            _check_ours(collection)
            collection.delete()
            collection = stack.enter_context(closing(ServerCollection(place, create_with={PLAN: plan})))
        stored = rows()
        counts = store_rows(collection, stored, progress)
        manifest = IndexManifest(
            VERSION, chroma_version(), encoder_sha256, source_sha256, HNSW, counts, {}, canaries_of(stored, CANARIES)
        )
        # Checked before it is written: with it the index counts as built.
        SearchIndex(manifest, collection).check()
        collection.write_metadata({MANIFEST: manifest_text(manifest)})
        return manifest


def _manifest_of(collection: ServerCollection) -> IndexManifest | None:
    text = collection.metadata.get(MANIFEST)
    return None if text is None else manifest_from(str(text), f"at {collection.where}")


def _is_of(manifest: IndexManifest, encoder_sha256: str, source_sha256: str) -> bool:
    return (manifest.encoder_sha256, manifest.source_sha256) == (encoder_sha256, source_sha256)


def _check_ours(collection: ServerCollection) -> None:
    if not {PLAN, MANIFEST} & set(collection.metadata):
        raise SearchIndexError(
            f"{collection.where} holds something else than an example index. Name another one with --collection."
        )
