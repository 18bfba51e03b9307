"""What ZeroGPU's package `spaces` does to this app: a decorated generator runs in a forked process, whatever goes in or
comes out is pickled, an exception arrives as a `gr.Error` with the name of its class, and closing stops the process.

Every call leaves a line of JSON in the file that FAKE_SPACES_LOG names.
"""

from __future__ import annotations

import inspect
import json
import multiprocessing
import os
import pickle
import sys
from functools import partial, wraps

if "torch" in sys.modules:
    raise RuntimeError("torch was imported before spaces")

_fork = multiprocessing.get_context("fork")


def GPU(task=None, *, duration=60, size=None):  # noqa: N802 - the package's name
    if task is None:
        return partial(GPU, duration=duration, size=size)
    if not inspect.isgeneratorfunction(task):
        raise TypeError(f"{task} is no generator function")

    @wraps(task)
    def lent(*args, **kwargs):
        _note(seconds=duration(*args, **kwargs))
        ours, theirs = _fork.Pipe()
        stop = _fork.Event()
        worker = _fork.Process(target=_work, args=(task, pickle.dumps((args, kwargs)), theirs, stop), daemon=True)
        worker.start()
        theirs.close()
        try:
            yield from _received(ours)
        finally:
            stop.set()
            ours.close()
            worker.join(60)

    return lent


def gradio_auto_wrap(task):
    """Gradio passes every handler through it on a Space; unless a variable asks for it, nothing is wrapped."""
    return task


def _received(pipe):
    import gradio as gr

    while True:
        kind, value = pickle.loads(pipe.recv_bytes())
        if kind == "end":
            return
        if kind == "error":
            raise gr.Error(value, title="ZeroGPU worker error", print_exception=False)
        yield value


def _work(task, pickled, pipe, stop):
    args, kwargs = pickle.loads(pickled)
    try:
        for value in task(*args, **kwargs):
            if stop.is_set():
                return
            pipe.send_bytes(pickle.dumps(("value", value)))
    except BrokenPipeError:
        return
    except Exception as error:
        pipe.send_bytes(pickle.dumps(("error", type(error).__name__)))
    else:
        pipe.send_bytes(pickle.dumps(("end", None)))


def _note(**values):
    if path := os.environ.get("FAKE_SPACES_LOG"):
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")
