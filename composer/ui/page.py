"""The page as a whole: form, story, what the client script reads, and the public endpoint."""

from __future__ import annotations

import logging
from typing import Any

import gradio as gr

from composer.config import AppSettings
from composer.errors import ComposerError
from composer.pipeline import Composer
from composer.ui import cases, palette, running
from composer.ui.api import compare_endpoint
from composer.ui.charts.neighbour_map import ExampleMap
from composer.ui.form import build_form
from composer.ui.handlers import Handlers
from composer.ui.inputs import default_inputs
from composer.ui.measured import read_measured
from composer.ui.panels import html_panel
from composer.ui.server.answers import Answers
from composer.ui.server.downloads import downloads_of
from composer.ui.server.fair_queue import take_queue
from composer.ui.server.hosted_work import hosted_work
from composer.ui.story import build_maker, build_place, build_rest, build_results, build_story
from composer.ui.wiring import Helpers, wire
from composer.ui.words import prose

log = logging.getLogger(__name__)


def build_page(composer: Composer, app_settings: AppSettings, answers: Answers | None = None) -> gr.Blocks:
    """The whole page, with one run of the first case study already on show. Launch it with `launch.launch_options`."""
    handlers = _handlers(composer, app_settings, answers or Answers())
    compare = compare_endpoint(composer, handlers.work)
    # where a GPU is lent per call, none is there yet
    first = _first_run(handlers, models=not app_settings.borrows_gpu)
    with gr.Blocks(title="Adapter Composer", analytics_enabled=False, fill_width=True) as page:
        html_panel(prose.header(composer, cold=first is None or not first.answered), elem_id="ac-header")
        with gr.Row(elem_id="ac-body"):
            with gr.Column(elem_id="ac-rail", min_width=300, scale=0):
                form = build_form(handlers.cases, first.inputs if first else handlers.defaults)
            with gr.Column(elem_id="ac-story", min_width=300, scale=1):
                panels = build_story(handlers, first)
                results = build_results(handlers)
                gallery = build_rest(handlers, public_url(app_settings) or _address(app_settings), compare)
        html_panel(prose.client_data(_client_data(app_settings, handlers.example_map)))
        helpers = Helpers(gallery, build_maker(), build_place(), html_panel("", elem_id="ac-queue"), results)
        wire(page, handlers, form, panels, helpers, first)
        gr.api(compare, api_name="compare", concurrency_limit=1, concurrency_id="model")
    take_queue(page, max_size=app_settings.queue_size, trust_proxy=app_settings.trust_proxy)
    return page


def _handlers(composer: Composer, app_settings: AppSettings, answers: Answers) -> Handlers:
    return Handlers(
        composer,
        hosted_work(composer, app_settings, answers),
        default_inputs(composer.default_settings()),
        cases.load_cases(),
        _map_of(composer),
        downloads_of(app_settings),
        read_measured(composer.bank.name),
    )


def _map_of(composer: Composer) -> ExampleMap | None:
    """Positions are of the bank's own examples; others may even share their row ids."""
    own = composer.bank.examples
    return ExampleMap.of(composer.bank) if own and own.sha256 == composer.index.manifest.source_sha256 else None


def _address(app_settings: AppSettings) -> str:
    return f"http://{app_settings.host}:{app_settings.port}"


def _client_data(app_settings: AppSettings, example_map: ExampleMap | None) -> dict[str, Any]:
    return {
        "map": example_map.client_data() if example_map else None,
        "palette": palette.client_palette(),
        "public_url": public_url(app_settings),
    }


def public_url(app_settings: AppSettings) -> str | None:
    """Where links lead on a Space: its page shows the app in a frame, so the app's own address is the wrong one."""
    return f"https://huggingface.co/spaces/{app_settings.space_id}" if app_settings.space_id else None


def _first_run(handlers: Handlers, *, models: bool) -> running.Run | None:
    """The first case study, run by this bank: a visitor sees the whole story before typing anything."""
    if not handlers.cases:
        return None
    try:
        found = running.find(handlers.composer, handlers.cases[0].inputs(handlers.defaults))
        return running.finished(handlers.work, found) if models else found
    except ComposerError as error:
        log.warning("the first case study cannot be shown: %s", error)
        return None
