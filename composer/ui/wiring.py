"""Which event runs which handler, and where what it changes goes."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import wraps
from typing import Any

import gradio as gr
from gradio.blocks import Block

from composer.ui.form import Form
from composer.ui.handlers import Changes, Handlers
from composer.ui.inputs import NAMES
from composer.ui.panels import Panels
from composer.ui.running import Run

Handler = Callable[..., Changes] | Callable[..., Iterator[Changes]]
_CHECK_STALE = f"(...values) => window.adapterComposer.checkStale({json.dumps(NAMES)}, values)"


_HERE = "() => [window.adapterComposer.here()]"
_RESTORE = "(...values) => window.adapterComposer.restored(values)"
_FAILED = "() => window.adapterComposer.failed()"


@dataclass(frozen=True)
class Helpers:
    """What events need besides the form and the panels that a run fills."""

    gallery: Any
    maker: Any
    place: Any
    """Takes the address that the client script goes to."""
    queue: gr.HTML
    """Gradio writes a visitor's place in the queue here; the client script carries it to the pill."""
    results: Any = None
    """None where nothing was measured."""


def wire(page: gr.Blocks, handlers: Handlers, form: Form, panels: Panels, helpers: Helpers, first: Run | None) -> None:
    # the run on show, and the run whose neighbours are: between finding and answering they differ
    shown, found = gr.State(first), gr.State(first)
    fields = form.fields.by_name()
    values = list(fields.values())
    filled = {"error": form.error, **panels.by_name(), "shown": shown, "found": found}
    fast: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "concurrency_limit": None}
    queued: dict[str, Any] = {**fast, "concurrency_limit": 1, "concurrency_id": "model"}
    model: dict[str, Any] = {
        **queued,
        **changing(filled, handlers.answer),
        "inputs": [found, shown],
        # what is asked while the models answer comes next, and is not forgotten
        "trigger_mode": "always_last",
        "show_progress": "full",
        "show_progress_on": helpers.queue,
    }
    # beside the queue, which may be what took no more
    refused: dict[str, Any] = {**fast, **changing(filled, handlers.turned_away), "inputs": [shown], "queue": False}
    opened = {**filled, **fields}
    asked = [form.compare.click(**changing(filled, handlers.find), inputs=values, **fast)]
    for chooser in (form.chips, helpers.gallery):
        asked.append(chooser.click(**changing(opened, handlers.open_case), **fast))
    here: dict[str, Any] = {"inputs": [helpers.place], "js": _HERE, "trigger_mode": "always_last", **fast}
    asked.append(helpers.place.click(**changing(opened, handlers.go_to), **here))
    loaded = page.load(**changing(opened, handlers.open_link), **here)
    loaded.then(None, values, values, js=_RESTORE)
    for event in (*asked, loaded):
        answered = event.then(**model)
        for step in (event, answered):
            step.failure(**refused)
            step.failure(None, js=_FAILED)
    others = [
        helpers.maker.click(
            **changing({"error": form.error, "link": helpers.maker}, handlers.save), inputs=[shown, *values], **queued
        ),
        gr.on(
            [form.fields.top_p.change, form.fields.top_k.change, form.fields.kernel.change],
            **changing(
                {"error": form.error, "nucleus": panels.nucleus, "neighbours": panels.neighbours}, handlers.reweigh
            ),
            inputs=[found, *values],
            trigger_mode="always_last",
            **fast,
        ),
        form.reset.click(**changing({"error": form.error, **fields}, handlers.reset), **fast),
    ]
    if helpers.results is not None:
        shown_results = {"results": helpers.results}
        # no model is asked, so that it waits for none
        others.append(
            helpers.results.click(**{**fast, **changing(shown_results, handlers.show_results), "queue": False})
        )
    for event in others:
        event.failure(None, js=_FAILED)
    form.copy.click(None, js="() => window.adapterComposer.copyLink()")
    gr.on([field.change for field in values], None, values, js=_CHECK_STALE)


def changing(components: Mapping[str, Block], handler: Handler) -> dict[str, Any]:
    """`fn` and `outputs` of an event: what the handler changes goes into the components of that name."""
    return {"fn": filling(components, handler), "outputs": list(components.values())}


def filling(components: Mapping[str, Block], handler: Handler) -> Callable[..., Any]:
    """The handler with a component in place of each name that it changes."""

    def placed(changes: Changes) -> Any:  # noqa: ANN401 - Gradio's mark for no change at all, or values
        return {components[name]: value for name, value in changes.items()} or gr.skip()

    if not inspect.isgeneratorfunction(handler):
        return wraps(handler)(lambda *given: placed(handler(*given)))  # type: ignore[arg-type]

    @wraps(handler)
    def stream(*given: Any) -> Iterator[Any]:  # noqa: ANN401
        # a visitor who goes away ends the handler too
        with closing(handler(*given)) as steps:
            for changes in steps:
                yield placed(changes)

    return stream
