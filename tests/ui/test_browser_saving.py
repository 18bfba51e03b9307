"""What a visitor can take away from the page."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

from .conftest import Visit, Watched
from .sample import HOSTILE

pytestmark = pytest.mark.browser

QUESTION = "How many birds will sit on my roof tomorrow at noon?"
OPTIONS = ("three", "eleven", HOSTILE)


def saved(visitor: Watched, button: str) -> bytes:
    with visitor.page.expect_download() as download:
        visitor.page.locator(button).first.click()
    return Path(download.value.path()).read_bytes()


def test_a_run_can_be_taken_away_whole(visit: Visit, composer, tmp_path):
    from composer import Query
    from composer.bank.reading import read_adapter
    from composer.merging import MergedAdapter

    visitor = visit()
    visitor.ask(QUESTION, *OPTIONS)
    trace = visitor.answered(QUESTION)
    assert json.loads(saved(visitor, '[data-export="json"]')) == trace
    rows = list(csv.DictReader(io.StringIO(saved(visitor, '[data-export="csv"]').decode())))
    assert [row["row_id"] for row in rows] == [neighbour["row_id"] for neighbour in trace["neighbours"]]
    for row, neighbour in zip(rows, trace["neighbours"], strict=True):
        assert float(row["similarity"]) == pytest.approx(1 - neighbour["distance"]) == neighbour["similarity"]
        assert float(row["vote"]) == neighbour["vote"]
    similarities = visitor.page.locator(".ac-neighbours summary b").all_inner_texts()
    assert similarities == [f"{neighbour['similarity']:.2f}" for neighbour in trace["neighbours"]]
    assert saved(visitor, '[data-export="map"]').startswith(b"\x89PNG")
    for chart in ("map", "weights", "answers", "heat"):
        drawing = saved(visitor, f'[data-make="{chart}"]')
        assert ElementTree.fromstring(drawing).tag == "{http://www.w3.org/2000/svg}svg"
        assert b"<img" not in drawing and b"<script" not in drawing
    archive = zipfile.ZipFile(io.BytesIO(saved(visitor, '[data-make="linear"]')))
    archive.extractall(tmp_path)
    read = read_adapter(tmp_path / "linear-adapter", name="linear")
    merged = MergedAdapter("linear", tuple(trace["weights"]["kept"].items()), read.stacks)
    own = composer.score(Query(QUESTION, OPTIONS), [merged], composer.default_settings())[1]
    assert own.probabilities == pytest.approx(trace["predictions"]["linear"]["probabilities"], abs=1e-4)
    assert visitor.complaints == []


FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1+1")
ODD = ('a "quoted", word', "two\nlines", "two\r\nlines", "a;b\tc", "\ufeffmark", "")


def test_neighbours_that_are_formulas_or_hold_quotes_are_texts_in_a_table(visit: Visit):
    visitor = visit()
    visitor.page.evaluate(
        "texts => { const panel = document.querySelector('#ac-answers .ac-answers');"
        " const trace = JSON.parse(panel.dataset.trace);"
        " trace.neighbours = texts.map(text => ({...trace.neighbours[0], text, task: text, row_id: text}));"
        " panel.dataset.trace = JSON.stringify(trace) }",
        [*FORMULAS, *ODD],
    )
    table = saved(visitor, '[data-export="csv"]').decode()
    rows = list(csv.DictReader(io.StringIO(table, newline="")))
    assert [row["text"] for row in rows] == [*(f"'{formula}" for formula in FORMULAS), *ODD]
    assert all(row["text"] == row["task"] == row["row_id"] and None not in row for row in rows)


def test_a_file_has_an_address_that_only_its_visitor_knows(site: str):
    for path in ("", "0/../../x", f"{'0' * 32}/../../../app.py", f"{'0' * 32}/linear-adapter.zip"):
        assert status_of(site, f"/gradio_api/made/{path}") == 404


def status_of(site: str, path: str) -> int:
    """As it stands: httpx and browsers take out `..` before they ask."""
    with closing(HTTPConnection(urlsplit(site).netloc, timeout=300)) as connection:
        connection.putrequest("GET", path)
        connection.endheaders()
        return connection.getresponse().status
