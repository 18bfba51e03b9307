"""A small project with a Spacefile of its own, and a Hub on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from huggingface_hub import HfApi, constants

from composer.space.hub import Hub
from tests.space.fake_hub import LARGE, TOKEN, FakeHub, serving

SPACEFILE = """\
v: 1
card:
  title: Small
  emoji: 🧪
  colorFrom: red
  colorTo: blue
  sdk: gradio
  sdk_version: 6.31.0
  python_version: 3.12.12
  app_file: app.py
  models: [owner/model]
deploy:
  name: small
  file_limit_mb: 10
  ignore: [".*", __pycache__, /tests]
  profiles:
    free:
      about: costs nothing
      hardware: zero-a10g
      variables: {COMPOSER_BANK: small, COMPOSER_DEVICE: cpu}
      requirements: {torch: 2.11.0, spaces: 0.51.3}
    paid:
      about: costs something
      hardware: t4-small
      sleep_time: 600
      card: {title: Large, suggested_hardware: t4-small}
      variables: {COMPOSER_BANK: small}
      secrets: [HF_TOKEN]
      ignore: [/assets/only-free.txt]
"""
FILES = {
    "Spacefile": SPACEFILE,
    "README.md": "# Small\r\n\r\nA body with two kinds of line ends.\n---\nand a rule\n",
    "requirements.txt": "# pinned\ngradio==6.31.0\ntorch==2.13.0\n",
    "app.py": "def main():\n    return 0\n",
    "adapters/small/bank.toml": "",
    "assets/only-free.txt": "free",
    "assets/empty.txt": "",
    "tests/test_app.py": "never uploaded",
    ".env": "HF_TOKEN=secret",
    ".gitattributes": "* text=auto",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """It holds two files that the fake Hub calls large."""
    folder = tmp_path / "project"
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(text.encode())
    for name in ("one", "two"):
        (folder / f"adapters/small/{name}.bin").write_bytes(name.encode() * LARGE)
    return folder


@pytest.fixture
def fake_hub() -> Iterator[FakeHub]:
    with serving(FakeHub()) as hub:
        yield hub


@dataclass
class Heard:
    """What was said, and how long was waited, without waiting."""

    lines: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def hub(fake_hub: FakeHub, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> Hub:
    # Xet speaks a protocol of its own to a server of its own; without it, large files go by Git LFS.
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    # huggingface_hub itself tries uploads again, and would sleep in between
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", heard.waits.append)
    return Hub(HfApi(fake_hub.url, token=TOKEN), say=heard.lines.append, sleep=heard.waits.append)
