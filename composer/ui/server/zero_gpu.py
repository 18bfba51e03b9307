"""ZeroGPU: a Space's GPU that exists only within a decorated generator, which runs in a process of its own.

What goes in and what comes out is pickled, so both are plain values. An exception would arrive as the name of its class
alone, so a ComposerError travels as a value too. Where the package `spaces` is missing, nothing of this happens.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import os
import re
import sys
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from composer.errors import ComposerError
from composer.types import Query

P = ParamSpec("P")
T = TypeVar("T")

STARTING, PER_METHOD, LONGEST = 20.0, 2.0, 120
"""Seconds: a worker process starts and reads adapters; a method merges and answers; what a visitor may be charged."""
CHARS_PER_PROMPT = 2_000
"""A prompt of this length takes about twice the time of a short one."""


def import_spaces() -> None:
    """It must come before torch, whose CUDA it replaces; it is there on a Space alone."""
    if importlib.util.find_spec("spaces") is not None:
        importlib.import_module("spaces")


def on_gpu(
    task: Callable[P, Iterator[T]], seconds: Callable[P, int], *, wanted: bool = True
) -> Callable[P, Iterator[T]]:
    """The generator function, run where a GPU is lent to it; unchanged without the package `spaces`.

    `seconds` gets the same arguments: the longest that the call may take. A Space does not start unless one function is
    decorated, so that is done even where no GPU is `wanted`.
    """
    spaces = sys.modules.get("spaces")
    if spaces is None:
        return task
    decorated = spaces.GPU(duration=seconds)(_settled(task))
    return _in_words(decorated) if wanted else task


def estimated_seconds(query: Query, methods: int) -> int:
    """Above the true time, since a call that takes longer is stopped; a visitor who asks for less waits less."""
    chars = len(query.text) + len(query.context or "") + sum(map(len, query.options))
    return min(LONGEST, math.ceil(STARTING + methods * PER_METHOD * (1 + chars / CHARS_PER_PROMPT)))


def _settled(task: Callable[P, Iterator[T]]) -> Callable[P, Iterator[T | ComposerError]]:
    home = os.getpid()

    @wraps(task)
    def settled(*args: P.args, **kwargs: P.kwargs) -> Iterator[T | ComposerError]:
        if os.getpid() != home:
            _single_thread()
        try:
            yield from task(*args, **kwargs)
        except ComposerError as error:
            yield error

    return settled


def _single_thread() -> None:
    """A forked process inherits the record of OpenMP's threads but not the threads, and would wait for them forever."""
    import torch

    torch.set_num_threads(1)


def _in_words(task: Callable[P, Iterator[T | ComposerError]]) -> Callable[P, Iterator[T]]:
    """Refusals of the GPU's lender (no quota left, no GPU free, out of time) as one sentence, without their links."""

    @wraps(task)
    def in_words(*args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        import gradio as gr

        values = task(*args, **kwargs)
        try:
            for value in values:
                if isinstance(value, ComposerError):
                    raise value
                yield value
        except gr.Error as error:
            raise ComposerError(f"no answer from the Space's shared GPU: {_plain(error.message)}") from error
        finally:
            close: Any = getattr(values, "close", None)
            if close is not None:
                close()

    return in_words


def _plain(message: object) -> str:
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", str(message))).strip()
    return words if words.endswith((".", "!", "?")) else f"{words}. Try again in a minute."
