"""An index on a Chroma server: a real one, started for these tests and reached over HTTP."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hash_encoder import HashEncoder
from index_rows import ENCODER, SOURCE, VECTORS, made_rows

from composer.errors import SearchIndexError, SettingsError
from composer.retrieval.build import IndexRows
from composer.retrieval.index import SearchIndex
from composer.retrieval.server import MANIFEST, ServerPlace, build_on_server, open_on_server
from composer.retrieval.source_index import TextRows, build_from_rows_on_server

ROWS = made_rows(700)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    chroma = Path(sys.executable).parent / "chroma"
    if not chroma.exists():
        pytest.skip("the command `chroma` is not installed beside this Python")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("server")
    command = [chroma, "run", "--path", folder / "data", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _wait_for(port, server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()
            server.wait()


def _wait_for(port: int, server: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("the Chroma server did not start")


def build(place: ServerPlace, rows: IndexRows = ROWS, encoder: str = ENCODER, source: str = SOURCE, **options):
    steps = {"progress": lambda done, total: None, **options}
    return build_on_server(place, lambda: rows, encoder_sha256=encoder, source_sha256=source, **steps)


@pytest.fixture(scope="module")
def built(address: str) -> ServerPlace:
    place = ServerPlace(address)
    build(place)
    return place


@pytest.fixture
def place(address: str, request: pytest.FixtureRequest) -> ServerPlace:
    return ServerPlace(address, request.node.originalname[:60])


def raw(place: ServerPlace):
    """The collection as Chroma's own client sees it."""
    return place.connect().get_collection(place.collection, embedding_function=None)


def test_it_answers_as_an_index_on_disk_does(built: ServerPlace, tmp_path: Path):
    from index_rows import build as build_on_disk

    build_on_disk(tmp_path, ROWS)
    indexes = [open_on_server(built, ENCODER, SOURCE), SearchIndex.open(tmp_path, ENCODER, SOURCE)]
    assert indexes[0].manifest.counts == indexes[1].manifest.counts
    for vector in VECTORS[900:905]:
        remote, local = (index.search(vector, 50, "inverse") for index in indexes)
        assert [n.row_id for n in remote] == [n.row_id for n in local]
        assert [(n.task, n.text) for n in remote] == [(n.task, n.text) for n in local]
        assert np.allclose([n.distance for n in remote], [n.distance for n in local], atol=1e-5)
    indexes[0].check(deep=True)
    assert indexes[0].where == f"{built.url} (collection examples)"
    for index in indexes:
        index.close()


def test_a_current_index_is_left_alone(built: ServerPlace):
    def made() -> IndexRows:
        raise AssertionError("the rows were made")

    options = {"encoder_sha256": ENCODER, "source_sha256": SOURCE, "progress": lambda *_: None}
    assert build_on_server(built, made, **options).total == 700


class Killed(BaseException):
    pass


def test_a_killed_build_is_no_index_and_goes_on_where_it_stopped(place: ServerPlace):
    def kill(done: int, total: int) -> None:
        if done == 500:
            raise Killed

    with pytest.raises(Killed):
        build(place, progress=kill)
    with pytest.raises(SearchIndexError, match="no finished example index at .*a_killed_build.*--server"):
        open_on_server(place, ENCODER)
    seen: list[int] = []
    build(place, progress=lambda done, total: seen.append(done))
    assert seen == [500, 700]
    assert raw(place).count() == 700
    other = made_rows(30, seed=1)
    assert build(place, other, source="7" * 64).total == raw(place).count() == 30


def test_what_is_no_index_of_ours_is_never_touched(place: ServerPlace):
    theirs = place.connect().create_collection(place.collection, embedding_function=None)
    theirs.add(ids=["a"], embeddings=[[1.0, 2.0]])
    for force in (False, True):
        with pytest.raises(SearchIndexError, match="holds something else than an example index.*--collection"):
            build(place, made_rows(30), force=force)
    assert raw(place).count() == 1
    with pytest.raises(SearchIndexError, match="no finished example index"):
        open_on_server(place, ENCODER)


def test_another_encoder_or_other_examples_are_refused(built: ServerPlace):
    with pytest.raises(SearchIndexError, match="another encoder"):
        open_on_server(built, "f" * 64)
    with pytest.raises(SearchIndexError, match="other examples"):
        open_on_server(built, ENCODER, "6" * 64)


def test_lost_changed_and_foreign_rows_are_noticed_and_force_repairs(place: ServerPlace):
    rows = made_rows(60)
    build(place, rows)
    raw(place).delete(ids=[rows.ids[3]])
    with pytest.raises(SearchIndexError, match="holds 59 examples and should hold 60"):
        open_on_server(place, ENCODER)
    build(place, rows, force=True)
    raw(place).update(ids=[rows.ids[0]], embeddings=[VECTORS[1_000]])
    with pytest.raises(SearchIndexError, match="no longer finds itself"):
        open_on_server(place, ENCODER)
    build(place, rows, force=True)
    raw(place).update(ids=[rows.ids[5]], metadatas=[{"task": "other"}])
    opened = open_on_server(place, ENCODER)
    with pytest.raises(SearchIndexError, match="examples of"):
        opened.check(deep=True)
    opened.close()


def test_a_damaged_manifest_is_refused(place: ServerPlace):
    build(place, made_rows(30))
    raw(place).modify(metadata={MANIFEST: "{half"})
    with pytest.raises(SearchIndexError, match="manifest at .* is damaged.*--force"):
        open_on_server(place, ENCODER)
    assert build(place, made_rows(30), force=True).total == 30


def test_texts_are_embedded_here_and_a_kill_on_the_way_loses_none_of_it(place: ServerPlace, tmp_path: Path):
    rows = TextRows(tuple(f"cb-train-{n}" for n in range(40)), ("cb",) * 40, tuple(f"row {n}" for n in range(40)))

    def kill(done: int, total: int) -> None:
        raise Killed

    def run(encoder: HashEncoder, **options):
        steps = {"embedding": lambda *_: None, "storing": lambda *_: None, **options}
        return build_from_rows_on_server(place, rows, encoder, work=tmp_path, **steps)

    with pytest.raises(Killed):
        run(HashEncoder(), storing=kill)
    encoder = HashEncoder()
    assert run(encoder).counts == {"cb": 40}
    assert encoder.embedded == []
    assert not list(tmp_path.rglob("vectors.f32"))
    index = open_on_server(place, encoder.sha256, rows.sha256)
    assert index.search(encoder.encode(["row 7"])[0], 1, "inverse")[0].row_id == "cb-train-7"
    index.close()


def test_a_server_that_is_not_there_is_one_sentence(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        place = ServerPlace(f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(SearchIndexError, match="cannot be reached. Start it"):
            open_on_server(place, ENCODER)


@pytest.mark.parametrize(
    "url", ["localhost:8000", "ftp://host", "http://", "http://host/path", "http://me:secret@host", "http://host:99999"]
)
def test_an_address_that_is_none_is_refused(url: str):
    with pytest.raises(SettingsError, match="the server's address is"):
        ServerPlace(url)
