"""The page: layout and wiring of events."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from composer.config import AppSettings
from composer.errors import ComposerError
from composer.pipeline import Composer
from composer.ui import cases, palette, prose, running
from composer.ui.api import compare_endpoint
from composer.ui.charts.neighbour_map import ExampleMap
from composer.ui.form import CHIP_SCRIPT, Form, build_form
from composer.ui.handlers import Handlers
from composer.ui.inputs import Inputs, default_inputs
from composer.ui.outcomes import read_outcomes
from composer.ui.panel import html_panel

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Panels:
    note: gr.HTML
    map: gr.HTML
    nucleus: gr.HTML
    neighbours: gr.HTML
    answers: gr.HTML
    heat: gr.HTML

    def all(self) -> list[gr.HTML]:
        return [self.note, self.map, self.nucleus, self.neighbours, self.answers, self.heat]


def build_page(composer: Composer, app_settings: AppSettings) -> gr.Blocks:
    """The whole page, with one run of the first case study already on show. Launch it with `serving.launch_options`."""
    defaults = default_inputs(composer.default_settings())
    example_map = ExampleMap.of(composer.bank)
    handlers = Handlers(composer, defaults, cases.load_cases(), example_map)
    first = _first_run(handlers)
    with gr.Blocks(title="Adapter Composer", analytics_enabled=False, fill_width=True) as page:
        html_panel(prose.header(composer), elem_id="ac-header")
        with gr.Row(elem_id="ac-body"):
            with gr.Column(elem_id="ac-rail", min_width=300, scale=0):
                form = build_form(handlers.cases, first.inputs if first else defaults)
            with gr.Column(elem_id="ac-story", min_width=300, scale=1):
                panels = _panels(handlers, first)
                gallery = _below(composer, handlers, app_settings)
        html_panel(prose.client_data(_client_data(app_settings, example_map)))
        _wire(page, handlers, form, panels, gallery, first)
        gr.api(compare_endpoint(composer), api_name="compare", concurrency_limit=1, concurrency_id="model")
    page.queue(api_open=False, max_size=app_settings.queue_size)
    return page


def _client_data(app_settings: AppSettings, example_map: ExampleMap | None) -> dict[str, Any]:
    return {
        "map": example_map.client_data() if example_map else None,
        "palette": palette.client_palette(),
        "public_url": public_url(app_settings),
    }


def public_url(app_settings: AppSettings) -> str | None:
    """Where links lead on a Space: its page shows the app in a frame, so the app's own address is the wrong one."""
    return f"https://huggingface.co/spaces/{app_settings.space_id}" if app_settings.space_id else None


def _first_run(handlers: Handlers) -> running.Run | None:
    """The first case study, run by this bank: a visitor sees the whole story before typing anything."""
    if not handlers.cases:
        return None
    case = handlers.cases[0]
    inputs = Inputs(case.query, "\n".join(case.options), case.context, *handlers.defaults.values()[3:])
    try:
        found = running.find(handlers.composer, inputs)
        return running.refer(handlers.composer, running.answer(handlers.composer, found))
    except ComposerError as error:
        log.warning("the first case study cannot be shown: %s", error)
        return None


def _panels(handlers: Handlers, first: running.Run | None) -> Panels:
    blank = ("", "", "", "", "", "")
    values = (*handlers.found(first), *handlers.answered(first)) if first else blank
    note = html_panel(values[0], elem_id="ac-note")
    html_panel(
        prose.section(
            1, "What your question resembles", "The training examples nearest to it, and the tasks they belong to."
        )
    )
    with gr.Row(elem_id="ac-found"):
        with gr.Column(min_width=280, elem_classes="ac-panel"):
            map_ = html_panel(values[1], elem_id="ac-map", script=_MAP_SCRIPT, server=_reader(handlers))
        with gr.Column(min_width=280, elem_classes="ac-panel"):
            nucleus = html_panel(values[2], elem_id="ac-nucleus")
    with gr.Column(elem_classes="ac-panel"):
        listed = html_panel(values[3], elem_id="ac-list")
    html_panel(
        prose.section(
            2, "What each merge answers", "The same question, put to the base model under each merged adapter."
        )
    )
    answers = html_panel(values[4], elem_id="ac-answers")
    html_panel(
        prose.section(
            3,
            "What went into each merge",
            "How much of every adapter is really in the merged update, beside what the weights asked for.",
        )
    )
    with gr.Column(elem_classes="ac-panel"):
        heat = html_panel(values[5], elem_id="ac-heat")
    return Panels(note, map_, nucleus, listed, answers, heat)


def _below(composer: Composer, handlers: Handlers, app_settings: AppSettings) -> gr.HTML:
    """Gallery, how it works, API. Returns the gallery, whose cases can be opened."""
    html_panel(
        prose.section(
            4, "Case studies", "Questions worth asking, with what this bank makes of them. Click one to run it."
        )
    )
    outcomes = read_outcomes(composer.bank)
    gallery = html_panel(cases.gallery(handlers.cases, outcomes), elem_id="ac-gallery", script=CHIP_SCRIPT)
    html_panel(prose.section(5, "How it works", "From a question to the answers, in five steps."))
    html_panel(prose.how_it_works(composer), elem_id="ac-how")
    html_panel(prose.section(6, "From a program", "The same run as JSON, with Gradio's client."))
    html_panel(prose.api_snippet(public_url(app_settings) or f"http://{app_settings.host}:{app_settings.port}"))
    return gallery


_MAP_SCRIPT = "element.closest('#ac-map').acServer = server;"


def _reader(handlers: Handlers) -> Callable[[int], dict[str, str]]:
    def read_example(index: int) -> dict[str, str]:
        return handlers.example_map.read(index) if handlers.example_map else {}

    return read_example


def _wire(
    page: gr.Blocks, handlers: Handlers, form: Form, panels: Panels, gallery: gr.HTML, first: running.Run | None
) -> None:
    shown, pending = gr.State(first), gr.State(None)
    fields = list(form.fields)
    found = [form.error, *panels.all(), pending]
    fast: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "concurrency_limit": None}
    model: dict[str, Any] = {
        **fast,
        "fn": handlers.answer,
        "inputs": [pending, shown],
        "outputs": [form.error, *panels.all(), shown],
        "concurrency_limit": 1,
        "concurrency_id": "model",
    }
    asked = form.compare.click(handlers.find, fields, found, **fast)
    asked.then(**model)
    for chooser in (form.chips, gallery):
        chooser.click(handlers.open_case, None, [*fields, *found], **fast).then(**model)
    page.load(handlers.open_link, None, [*fields, *found], **fast).then(**model)
    top_p, top_k, kernel = form.fields[3], form.fields[4], form.fields[5]
    gr.on(
        [top_p.change, top_k.change, kernel.change],
        handlers.reweigh,
        [*fields, shown],
        [form.error, panels.nucleus, panels.neighbours],
        trigger_mode="always_last",
        **fast,
    )
    form.reset.click(handlers.reset, None, [*fields, form.error], **fast)
    form.copy.click(None, js="() => window.adapterComposer.copyLink()")
    gr.on(
        [field.change for field in fields], None, fields, js="(...values) => window.adapterComposer.checkStale(values)"
    )
