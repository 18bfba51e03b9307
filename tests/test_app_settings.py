from __future__ import annotations

from pathlib import Path

import pytest

from composer.config import ROOT, AppSettings
from composer.errors import SettingsError
from composer.indexing import place_named
from composer.retrieval.server import ServerPlace


def test_at_home_the_app_keeps_to_itself():
    settings = AppSettings.from_env({})
    assert settings == AppSettings()
    assert (settings.host, settings.port, settings.cache_dir) == ("127.0.0.1", 7860, ROOT / ".cache")
    assert not settings.uploads
    assert not settings.log_queries


def test_on_a_space_it_listens_to_visitors_from_outside_unless_told_otherwise():
    space = {"SPACE_ID": "someone/composer", "SPACES_ZERO_GPU": "true"}
    settings = AppSettings.from_env(space)
    assert (settings.host, settings.port, settings.space_id) == ("0.0.0.0", 7860, "someone/composer")
    assert settings.zero_gpu
    assert AppSettings.from_env({**space, "GRADIO_SERVER_NAME": "127.0.0.1"}).host == "127.0.0.1"


def test_an_index_of_other_examples_is_a_folder_or_a_servers_address():
    named = AppSettings.from_env({"COMPOSER_INDEX": "http://localhost:8000", "COMPOSER_COLLECTION": "mine"})
    assert place_named(named.index, named.collection) == ServerPlace("http://localhost:8000", "mine")
    assert place_named(AppSettings.from_env({"COMPOSER_INDEX": "my/index"}).index) == Path("my/index")
    assert place_named(AppSettings.from_env({"COMPOSER_INDEX": ""}).index) is None
    for name, collection, words in (("ftp://host", None, "must be http"), ("my/index", "mine", "without a Chroma")):
        with pytest.raises(SettingsError, match=words):
            place_named(name, collection)


@pytest.mark.parametrize(("text", "on"), [("1", True), ("True", True), ("on", True), ("", False), ("0", False)])
def test_a_switch_is_on_or_off(text: str, on: bool):
    settings = AppSettings.from_env({"COMPOSER_LOG_QUERIES": text, "COMPOSER_UPLOADS": text, "GRADIO_SSR_MODE": text})
    assert (settings.log_queries, settings.uploads, settings.ssr) == (on, on, on)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COMPOSER_LOG_QUERIES", "perhaps"),
        ("COMPOSER_QUEUE", "0"),
        ("COMPOSER_QUEUE", "²"),
        ("COMPOSER_QUEUE", "many"),
        ("GRADIO_SERVER_PORT", "65536"),
        ("GRADIO_SERVER_PORT", "-1"),
    ],
)
def test_a_value_that_is_none_is_named_with_its_variable(name: str, value: str):
    with pytest.raises(SettingsError, match=f"{name} is '{value}'"):
        AppSettings.from_env({name: value})
