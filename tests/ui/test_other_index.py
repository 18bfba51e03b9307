"""The page over an index of other examples than the bank's own."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from composer.bank.manifest import load_bank
from composer.config import AppSettings
from composer.errors import SearchIndexError
from composer.retrieval.server import ServerPlace
from composer.ui import serving
from composer.ui.health import Health
from composer.ui.page import _map_of


@pytest.mark.parametrize(
    ("index", "collection", "place"),
    [
        (None, None, None),
        ("my/index", None, Path("my/index")),
        ("http://localhost:8000", None, ServerPlace("http://localhost:8000")),
        ("https://chroma.example", "mine", ServerPlace("https://chroma.example", "mine")),
    ],
)
def test_the_bank_is_opened_with_the_index_that_the_settings_name(
    monkeypatch: pytest.MonkeyPatch, index: str | None, collection: str | None, place: object
):
    def opened(bank: str, **given: Any) -> None:
        assert given["index"] == place
        raise SearchIndexError("seen")

    monkeypatch.setattr(serving.Composer, "open", opened)
    with pytest.raises(SearchIndexError, match="seen"):
        serving.open_page(AppSettings(index=index, collection=collection), Health("embedded"), lambda text: None)


def test_the_banks_own_map_is_not_shown_for_other_examples():
    bank = load_bank("embedded", verify=False)
    assert bank.examples is not None

    def composer(source: str) -> Any:
        return SimpleNamespace(bank=bank, index=SimpleNamespace(manifest=SimpleNamespace(source_sha256=source)))

    assert _map_of(composer("0" * 64)) is None
    own = _map_of(composer(bank.examples.sha256))
    assert own is not None and len(own.row_ids) > 1_000
