from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# The makers of small banks live beside the tests.
sys.path.insert(0, str(Path(__file__).parent))

from bank_files import write_raw_adapter  # noqa: E402
from fake_hub import ADAPTER, BASE, BASE_CONTENT, Hub, running  # noqa: E402

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A Hub that the client of this process asks, with an empty cache and no token."""
    from huggingface_hub import constants

    adapter = write_raw_adapter(tmp_path / "adapter")
    models = {ADAPTER: {name: (adapter / name).read_bytes() for name in ADAPTER_FILES}, BASE: dict(BASE_CONTENT)}
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with running(Hub(models)) as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        monkeypatch.setattr(
            constants,
            "HUGGINGFACE_CO_URL_TEMPLATE",
            hub.url + "/{repo_id}/resolve/{revision}/{filename}",
        )
        yield hub
