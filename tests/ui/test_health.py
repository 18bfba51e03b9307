from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from types import SimpleNamespace

import pytest

from composer import __version__
from composer.config import AppSettings
from composer.errors import ComposerError, SearchIndexError
from composer.ui.server.cold_start import cold_start
from composer.ui.server.health import Health


class Index:
    manifest = SimpleNamespace(total=11)
    damaged = False

    def check(self) -> None:
        if self.damaged:
            raise SearchIndexError("the example index is damaged. Rebuild it.")


@pytest.fixture
def composer():
    base = SimpleNamespace(device=SimpleNamespace(type="cpu"), quantization="none")
    return SimpleNamespace(bank=SimpleNamespace(name="small"), base=base, index=Index())


@pytest.fixture
def settings() -> AppSettings:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return AppSettings(port=probe.getsockname()[1])


def get(settings: AppSettings, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{settings.port}{path}", timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_cold_app_is_not_healthy():
    code, report = Health("small").report()
    assert code == 503
    assert (report["status"], report["bank"], report["model"]) == ("starting", "small", {"loaded": False})


def test_a_warm_app_says_its_version_bank_model_and_canary(composer):
    health = Health("small")
    health.watch(composer)
    health.close()
    code, report = health.report()
    assert (code, report["status"], report["version"], report["bank"]) == (200, "ok", __version__, "small")
    assert report["model"] == {"loaded": True, "device": "cpu", "quantization": "none"}
    assert report["index"]["examples"] == 11
    assert report["index"]["canary"] is True
    assert json.loads(json.dumps(report)) == report


def test_an_index_that_is_damaged_while_the_app_runs_is_noticed(composer):
    health = Health("small")
    health.watch(composer)
    health.close()
    composer.index.damaged = True
    health.check(composer)
    code, report = health.report()
    assert (code, report["status"], report["index"]["canary"]) == (503, "damaged", False)


def test_while_the_bank_is_opened_the_port_answers_that_it_is_cold(settings: AppSettings):
    with cold_start(settings, Health("small")):
        code, body = get(settings, "/healthz")
        assert (code, json.loads(body)["status"]) == (503, "starting")
        code, body = get(settings, "/?q=a+link")
        assert code == 503
        assert "Adapter Composer is starting" in body
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", settings.port))


def test_a_port_that_is_taken_is_one_sentence_before_anything_is_loaded(settings: AppSettings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", settings.port))
        taken.listen()
        with pytest.raises(ComposerError, match=f"port {settings.port} of 127.0.0.1 cannot be used"):
            with cold_start(settings, Health("small")):
                raise AssertionError("never reached")
