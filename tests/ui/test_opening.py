"""The bank behind the page: opened as the settings say, over its own examples or others."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from composer.bank.manifest import load_bank
from composer.config import AppSettings
from composer.errors import SearchIndexError
from composer.retrieval.server import ServerPlace
from composer.ui.page import _map_of
from composer.ui.server import launch
from composer.ui.server.health import Health


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

    monkeypatch.setattr(launch.Composer, "open", opened)
    with pytest.raises(SearchIndexError, match="seen"):
        launch.open_page(AppSettings(index=index, collection=collection), Health("tiny"), lambda text: None)


@pytest.mark.parametrize("quantization", [None, "none", "nf4"])
def test_the_bank_is_opened_in_the_quantization_that_the_settings_name_and_says_what_takes_long(
    monkeypatch: pytest.MonkeyPatch, quantization: str | None
):
    said: list[str] = []

    def opened(bank: str, **given: Any) -> None:
        assert given["quantization"] == quantization
        given["say"]("Reading a.gguf once (98 MB)")
        raise SearchIndexError("seen")

    monkeypatch.setattr(launch.Composer, "open", opened)
    environment = {"COMPOSER_QUANTIZATION": quantization or ""}
    with pytest.raises(SearchIndexError, match="seen"):
        launch.open_page(AppSettings.from_env(environment), Health("tiny"), said.append)
    assert said[-1] == "Reading a.gguf once (98 MB)"


def test_the_banks_own_map_is_not_shown_for_other_examples(tiny_bank: Path):
    bank = load_bank(tiny_bank, verify=False)
    assert bank.examples is not None

    def composer(source: str) -> Any:
        return SimpleNamespace(bank=bank, index=SimpleNamespace(manifest=SimpleNamespace(source_sha256=source)))

    assert _map_of(composer("0" * 64)) is None
    own = _map_of(composer(bank.examples.sha256))
    assert own is not None and len(own.row_ids) > 100
