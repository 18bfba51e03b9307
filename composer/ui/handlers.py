"""What each event does: values in, escaped HTML out. An error becomes one sentence, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from composer.errors import ComposerError
from composer.merging import METHODS
from composer.pipeline import Composer
from composer.ui import cards, cases, running, saving
from composer.ui.charts import heatmap, neighbour_map, neighbours, reading, ribbon
from composer.ui.downloads import Downloads
from composer.ui.guard import QUEUE_FULL
from composer.ui.inputs import Inputs, from_query
from composer.ui.markup import esc
from composer.ui.running import Run, Work

Out = tuple[Any, ...]
PANELS = 7
"""What a run fills: note, map, nucleus, reading, list, answers, heat."""


@dataclass(frozen=True)
class Handlers:
    """Holds no state of a visitor: that travels in `gr.State`, one per session."""

    composer: Composer
    work: Work
    """Where all models work, which may be another process."""
    defaults: Inputs
    cases: tuple[cases.Case, ...]
    example_map: neighbour_map.ExampleMap | None
    downloads: Downloads

    # -- outputs, in the order of `page.Panels.found` and `.answered`

    def found(self, run: Run) -> Out:
        """What is known as soon as the neighbours are."""
        return (
            cases.note(cases.case_of(run.inputs, self.cases), run.trace),
            neighbour_map.draw(self.example_map, run.neighbours),
            ribbon.draw(run.weights),
            reading.draw(run.neighbours),
            neighbours.draw(run.neighbours, run.weights),
        )

    def answered(self, run: Run) -> Out:
        """What is known once the models have answered."""
        trace = run.trace
        if trace is None:
            return (cards.skeleton(run.waiting), heatmap.waiting())
        heat = heatmap.draw(trace.weights, trace.contributions, done=not run.waiting)
        return (cards.draw(trace, run.references, run.inputs, run.waiting), heat)

    def shown(self, run: Run | None) -> Out:
        """Both, for what stands there between runs; where no model has answered, an invitation to ask."""
        if run is None:
            return ("",) * PANELS
        answered = self.answered(run) if run.trace else (cards.invitation(), "")
        return (*self.found(run), *answered)

    # -- events

    def find(self, *values: Any) -> Out:  # noqa: ANN401
        """(error, panels …, found). On an error, only the sentence changes."""
        return self._found(lambda: read_form(values))

    def open_case(self, event: gr.EventData) -> Out:
        """(fields …, then as `find`): a case study into the form, and asked."""
        slug = event._data.get("slug") if isinstance(event._data, dict) else None
        case = next((case for case in self.cases if case.slug == slug), None)
        if case is None:
            return self._refused("That case study does not exist. Choose another.", with_fields=True)
        inputs = replace(self.defaults, question=case.query, options="\n".join(case.options), passage=case.context)
        return (*inputs.values(), *self._found(lambda: inputs))

    def open_link(self, request: gr.Request) -> Out:
        """(fields …, then as `find`): the inputs of the page's address, if it has any."""
        params = {key: request.query_params.getlist(key) for key in request.query_params}
        try:
            inputs = from_query(params, self.defaults)
        except ComposerError as error:
            return self._refused(running.words_for(error), with_fields=True)
        if inputs is None:
            return (gr.skip(),) * (len(self.defaults.values()) + PANELS + 2)
        return (*inputs.values(), *self._found(lambda: inputs))

    def answer(self, found: Run | None, shown: Run | None) -> Iterator[Out]:
        """(error, panels …, shown, found), with a slow model after every method. If the models cannot answer, the last
        run comes back. What has its answer is not asked again: this step also follows an input that was refused."""
        if found is None or (shown is not None and shown.ticket == found.ticket):
            yield (gr.skip(),) * (PANELS + 3)
            return
        slow = running.is_slow(self.composer)
        try:
            for run in self.work(found):
                if run.finished:
                    note = cases.note(cases.case_of(run.inputs, self.cases), run.trace)
                    # a sentence on an input that was refused meanwhile stays
                    unchanged = (gr.skip(),) * (PANELS - 3)
                    yield (gr.skip(), note, *unchanged, *self.answered(run), run, gr.skip())
                elif slow:
                    # what can be saved from the cards must be the run that they show
                    kept = gr.skip() if run.waiting else run
                    yield (*(gr.skip() for _ in range(PANELS - 1)), *self.answered(run), kept, gr.skip())
        except Exception as error:
            yield (error_line(running.words_for(error)), *self.shown(shown), gr.skip(), shown)

    def turned_away(self, shown: Run | None) -> Out:
        """(error, panels …, found): the queue took no more; the last run comes back."""
        return (error_line(QUEUE_FULL), *self.shown(shown), shown)

    def save(self, event: gr.EventData, shown: Run | None, *values: Any) -> Out:  # noqa: ANN401
        """(error, link to the file that was asked for)."""
        what = event._data.get("what") if isinstance(event._data, dict) else None
        try:
            file = saving.made(self.composer, self.example_map, shown, read_form(values), what)
            return ("", saving.link(self.downloads.put(*file)))
        except Exception as error:
            return (error_line(running.words_for(error)), gr.skip())

    def reweigh(self, *values: Any) -> Out:  # noqa: ANN401
        """(error, nucleus, list): what was found last, under the form's retrieval settings. Answers become stale."""
        *form, found = values
        if found is None:
            return (gr.skip(),) * 3
        try:
            run = running.reweighed(self.composer, found, read_form(form))
        except Exception as error:
            return (error_line(running.words_for(error)), gr.skip(), gr.skip())
        return ("", ribbon.draw(run.weights), neighbours.draw(run.neighbours, run.weights))

    def reset(self) -> Out:
        """(fields …, error): everything but question, options and passage at the bank's defaults."""
        return (*(gr.skip() for _ in range(3)), *self.defaults.values()[3:], "")

    def _found(self, read: Any) -> Out:  # noqa: ANN401
        try:
            run = running.find(self.composer, read())
        except Exception as error:
            return self._refused(running.words_for(error))
        return ("", *self.found(run), *self.answered(run), run)

    def _refused(self, words: str, *, with_fields: bool = False) -> Out:
        fields = (gr.skip(),) * len(self.defaults.values()) if with_fields else ()
        return (*fields, error_line(words), *(gr.skip() for _ in range(PANELS + 1)))


def read_form(values: Sequence[Any]) -> Inputs:
    """Methods in the registry's order, whatever order they were ticked in."""
    inputs = Inputs(*values)
    known = tuple(method for method in METHODS if method in inputs.methods)
    return replace(inputs, methods=known + tuple(m for m in inputs.methods if m not in METHODS))


def error_line(words: str) -> str:
    return f'<p class="ac-error" role="alert">{esc(words)}</p>' if words else ""
