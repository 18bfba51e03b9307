"""ZeroGPU by a stand-in for its package: what the real one does to a generator, without a GPU."""

from __future__ import annotations

import os
import runpy
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from composer.errors import ComposerError, InferenceError
from composer.types import Query
from composer.ui.server import zero_gpu
from composer.ui.server.zero_gpu import LONGEST, estimated_seconds, on_gpu

STAND_IN = Path(__file__).parent / "fake_spaces" / "spaces.py"


@pytest.fixture
def spaces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The file in which the stand-in notes its calls."""
    pytest.importorskip("gradio")
    monkeypatch.delitem(sys.modules, "torch", raising=False)  # put back at the end
    stand_in = SimpleNamespace(**runpy.run_path(str(STAND_IN)))
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "spaces", stand_in)
    monkeypatch.setattr(zero_gpu, "_single_thread", lambda: None)
    log = tmp_path / "calls"
    monkeypatch.setenv("FAKE_SPACES_LOG", str(log))
    return log


def counting(to: int) -> Iterator[tuple[int, int]]:
    """(number, process) for each."""
    for number in range(to):
        yield number, os.getpid()


def test_without_the_package_the_work_is_the_function_itself():
    assert "spaces" not in sys.modules
    assert on_gpu(counting, lambda to: to) is counting


def test_with_the_package_the_work_runs_in_another_process_for_the_estimated_time(spaces: Path):
    values = list(on_gpu(counting, lambda to: to + 20)(3))
    assert [number for number, _ in values] == [0, 1, 2]
    assert {process for _, process in values}.isdisjoint({os.getpid()})
    assert spaces.read_text().splitlines() == ['{"seconds": 23}']


def test_where_no_gpu_is_wanted_none_is_lent_but_a_function_stays_decorated(spaces: Path, monkeypatch):
    decorated = []
    monkeypatch.setattr(sys.modules["spaces"], "GPU", lambda duration: lambda task: decorated.append(task) or task)
    assert on_gpu(counting, lambda to: to, wanted=False) is counting
    assert len(decorated) == 1
    assert not spaces.exists()


def test_a_refusal_keeps_its_class_and_its_words_on_the_way_from_the_worker(spaces: Path):
    def refusing() -> Iterator[int]:
        yield 1
        raise InferenceError("the scores are not finite. Choose another bank.")

    with pytest.raises(InferenceError, match="not finite"):
        list(on_gpu(refusing, lambda: 1)())


def test_what_nobody_foresaw_in_the_worker_is_one_sentence(spaces: Path):
    def breaking() -> Iterator[int]:
        yield 1 // 0

    with pytest.raises(ComposerError, match=r"shared GPU: ZeroDivisionError\. Try again"):
        list(on_gpu(breaking, lambda: 1)())


def test_a_refusal_of_the_lender_is_told_without_its_markup(spaces: Path, monkeypatch):
    import gradio as gr

    def no_quota() -> Iterator[int]:
        raise gr.Error("You have exceeded your quota (60s left). <a href='https://x.y'>Sign up</a> for more", title="x")
        yield 1

    monkeypatch.setattr(sys.modules["spaces"], "GPU", lambda duration: lambda task: no_quota)
    with pytest.raises(ComposerError) as caught:
        list(on_gpu(no_quota, lambda: 1)())
    assert "exceeded your quota (60s left). Sign up for more. Try again" in str(caught.value)
    assert "<" not in str(caught.value)


def test_closing_the_work_ends_the_worker(spaces: Path):
    def endless() -> Iterator[int]:
        while True:
            yield os.getpid()
            threading.Event().wait(0.01)

    values = on_gpu(endless, lambda: 1)()
    worker = next(values)
    values.close()
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_the_estimate_grows_with_methods_and_text_and_has_an_end():
    short, long = Query("Where?", ("a", "b")), Query("Where?", ("a", "b"), context="word " * 2_000)
    assert estimated_seconds(short, 2) < estimated_seconds(short, 6) < estimated_seconds(long, 6) <= LONGEST
    assert estimated_seconds(long, 100) == LONGEST
