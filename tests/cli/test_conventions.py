from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import composer.bank.manifest
from composer.reports import ProgressLine, shown

ROOT = Path(__file__).resolve().parents[2]
LIGHT = """
import sys
from composer.cli import main
try:
    main(sys.argv[1:])
except SystemExit as left:
    status = left.code
heavy = {"torch", "transformers", "chromadb", "gradio", "sentence_transformers"} & set(sys.modules)
assert not heavy, heavy
sys.exit(status)
"""


@pytest.mark.parametrize(
    ("argv", "status"), [(("--help",), 0), (("predict", "--top-p", "high", "--query", "a"), 2), (("bank", "shwo"), 2)]
)
def test_help_and_wrong_usage_do_not_wait_for_torch(argv: tuple[str, ...], status: int):
    ended = subprocess.run([sys.executable, "-c", LIGHT, *argv], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == status, ended.stderr
    assert "usage: " in (ended.stderr if status else ended.stdout)


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("index",),
        ("predict", "--option", "a"),
        ("predict", "--query", "a", "--top-k", "1.5"),
        ("merge", "--weight", "cb", "--method", "cat", "--output", "x"),
        ("merge", "--weight", "cb=much", "--method", "cat", "--output", "x"),
        ("evaluate", "--limit", "few"),
        ("evaluate", "--unknown"),
    ],
)
def test_wrong_usage_is_status_2(cli, argv: tuple[str, ...]):
    ended = cli(*argv)
    assert (ended.status, ended.out) == (2, "")
    assert "usage: " in ended.err


def test_ctrl_c_is_status_130_without_a_traceback(cli, monkeypatch: pytest.MonkeyPatch):
    def interrupted(*_: object, **__: object):
        raise KeyboardInterrupt

    monkeypatch.setattr(composer.bank.manifest, "load_bank", interrupted)
    ended = cli("bank", "show")
    assert (ended.status, ended.out, ended.err) == (130, "", "\ncomposer: stopped.\n")


def test_a_reader_that_has_read_enough_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "composer", "bank", "list"]
    ended = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (1, "")


def test_output_is_utf_8_wherever_it_goes(copied_bank: Path):
    described = (copied_bank / "bank.toml").read_text(encoding="utf-8")
    (copied_bank / "bank.toml").unlink()
    (copied_bank / "bank.toml").write_text(described.replace('title = "', 'title = "Ünï 🙂 '), encoding="utf-8")
    command = [sys.executable, "-m", "composer", "bank", "show", "--bank", str(copied_bank)]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "Ünï 🙂" in ended.stdout.decode("utf-8")


def test_no_text_acts_on_the_terminal():
    assert shown("a\x1b[2J\x07\r\nb\u202ec \x9b31m") == "a [2J b c 31m"
    assert shown("🙂 عربي\tab") == "🙂 عربي ab"
    assert len(shown("word " * 100, 40)) <= 40


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_rewritten_on_a_terminal_and_says_the_time_left():
    stream = Terminal()
    line = ProgressLine("Rows", stream, started=0.0)
    line(0, 4)
    line.last = float("-inf")
    line(1, 4)
    line(4, 4)
    assert stream.getvalue().count("\r") == 3
    assert re.search(r"\rRows: 1 of 4, about \d+ (s|min) left", stream.getvalue())
    assert stream.getvalue().endswith("\n")


def test_progress_in_a_log_is_a_line_now_and_then():
    stream = io.StringIO()
    line = ProgressLine("Rows", stream)
    for done in range(1_001):
        line(done, 1_000)
    assert len(stream.getvalue().splitlines()) < 10
    assert stream.getvalue().splitlines()[-1].startswith("Rows: 1,000 of 1,000")
