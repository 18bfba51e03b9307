"""The story beside the form: from what a question resembles to how all of it works."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from composer.ui import gallery, results
from composer.ui.api import PARAMETERS
from composer.ui.form import CHIP_SCRIPT
from composer.ui.handlers import Handlers
from composer.ui.outcomes import read_outcomes
from composer.ui.panels import Panels, html_panel
from composer.ui.running import Run
from composer.ui.words import accuracy, prose, steps

_MAP_SCRIPT = "element.closest('#ac-map').acServer = server;"
_PLACE_SCRIPT = "window.adapterComposer.go = () => trigger('click');"
_MADE_SCRIPT = "window.adapterComposer.make = (what) => trigger('click', {what});"


FIRST_OF_REST = 4
"""The number of the section behind those that a run fills."""


def build_story(handlers: Handlers, first: Run | None) -> Panels:
    """What a run fills, the finding first, with the first run on show. Without an answer it says what to do."""
    shown = handlers.shown(first)
    html_panel("", elem_id="ac-stale")
    with gr.Column(elem_id="ac-fold", elem_classes="ac-panel"):
        finding = html_panel(shown["finding"], elem_id="ac-finding")
        note = html_panel(shown["note"], elem_id="ac-note")
    _section(1, "What your question resembles", "The training examples nearest to it, and the tasks they belong to.")
    with gr.Row(elem_id="ac-found"):
        with gr.Column(min_width=280, elem_classes="ac-panel"):
            map_ = html_panel(shown["map"], elem_id="ac-map", script=_MAP_SCRIPT, server=_reader(handlers))
        with gr.Column(min_width=280, elem_classes="ac-panel"):
            nucleus = html_panel(shown["nucleus"], elem_id="ac-nucleus")
            reading = html_panel(shown["reading"], elem_id="ac-reading")
    with gr.Column(elem_classes="ac-panel"):
        neighbours = html_panel(shown["neighbours"], elem_id="ac-list")
    _section(2, "What each of them answers", "The same question and options, put to the base model under each adapter.")
    answers = html_panel(shown["answers"], elem_id="ac-answers")
    _section(
        3,
        "What went into each merge",
        "How much of each adapter is in the merged update, beside the weight that was asked for.",
    )
    with gr.Column(elem_classes="ac-panel"):
        heat = html_panel(shown["heat"], elem_id="ac-heat")
    return Panels(finding, note, map_, nucleus, reading, neighbours, answers, heat)


def build_results(handlers: Handlers) -> gr.HTML | None:
    """What was measured of the bank; no section where nothing was."""
    if handlers.measured is None:
        return None
    _section(FIRST_OF_REST, "Results", accuracy.about(handlers.measured))
    shown = results.draw(handlers.measured, handlers.measured.first_view())
    with gr.Column(elem_classes="ac-panel"):
        return html_panel(shown, elem_id="ac-results", script=results.SCRIPT)


def build_rest(handlers: Handlers, address: str, compare: Callable[..., object]) -> gr.HTML:
    """Gallery, how it works, API. Returns the gallery, whose cases can be opened."""
    first = FIRST_OF_REST + (handlers.measured is not None)
    _section(first, "Case studies", "Questions worth asking, with what this bank makes of them. Click one to run it.")
    outcomes = read_outcomes(handlers.composer.bank)
    chooser = html_panel(gallery.tiles(handlers.cases, outcomes), elem_id="ac-gallery", script=CHIP_SCRIPT)
    _section(first + 1, "How it works", "From a question to the answers, in five steps.")
    html_panel(steps.how_it_works(handlers.composer), elem_id="ac-how")
    _section(first + 2, "From a program", "The same run as JSON, with Gradio's client.")
    html_panel(prose.api_snippet(address, compare, PARAMETERS))
    return chooser


def build_maker() -> gr.HTML:
    """Out of sight: hands a wish for a file to the server, and the file's link to the client script."""
    return html_panel("", elem_id="ac-made", script=_MADE_SCRIPT)


def build_place() -> gr.HTML:
    """Out of sight: tells the server that the address is another one."""
    return html_panel("", elem_id="ac-place", script=_PLACE_SCRIPT)


def _section(number: int, title: str, sub: str) -> None:
    html_panel(prose.section(number, title, sub))


def _reader(handlers: Handlers) -> Callable[[int], dict[str, str]]:
    def read_example(index: int) -> dict[str, str]:
        return handlers.example_map.read(index) if handlers.example_map else {}

    return read_example
