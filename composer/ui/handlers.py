"""What each event does: values in, escaped HTML out. An error becomes one sentence, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from composer.errors import ComposerError
from composer.pipeline import Composer
from composer.ui import cards, case_note, results, running, saving
from composer.ui.cases import Case, case_of
from composer.ui.charts import heatmap, neighbour_list, neighbour_map, reading, ribbon
from composer.ui.inputs import Inputs, from_query
from composer.ui.markup import esc
from composer.ui.measured import Measured
from composer.ui.panels import PANELS
from composer.ui.running import Run, Work
from composer.ui.server.downloads import Downloads
from composer.ui.server.fair_queue import why_refused
from composer.ui.server.guard import QUEUE_FULL
from composer.ui.words import accuracy

Changes = dict[str, Any]
"""What an event changes, by name: fields as in `Inputs`, panels as in `Panels`, the line for an `error`, a `link` to a
file, the run that is `shown` and the one that was `found`. All else stays as it is."""


@dataclass(frozen=True)
class Handlers:
    """Holds no state of a visitor: that travels in `gr.State`, one per session."""

    composer: Composer
    work: Work
    """Where all models work, which may be another process."""
    defaults: Inputs
    cases: tuple[Case, ...]
    example_map: neighbour_map.ExampleMap | None
    downloads: Downloads
    measured: Measured | None = None
    """What is known of the bank's accuracy."""

    # -- what panels hold

    def found(self, run: Run) -> Changes:
        """What is known as soon as the neighbours are."""
        trace = run.trace
        return {
            "note": self._note(run),
            "map": neighbour_map.draw(self.example_map, trace.neighbours),
            "nucleus": ribbon.draw(trace.weights),
            "reading": reading.draw(trace.neighbours),
            "neighbours": neighbour_list.draw(trace.neighbours, trace.weights),
        }

    def answered(self, run: Run) -> Changes:
        """What is known once the models have answered."""
        trace = run.trace
        if not run.answered:
            return {"answers": cards.skeleton(run.waiting), "heat": heatmap.waiting()}
        heat = heatmap.draw(trace.weights, trace.contributions, done=not run.waiting)
        return {"answers": cards.draw(trace, run.inputs, run.waiting, self._accuracy(run)), "heat": heat}

    def shown(self, run: Run | None) -> Changes:
        """Every panel, for what stands there between runs; where no model has answered, an invitation to ask."""
        if run is None:
            return dict.fromkeys(PANELS, "")
        answered = self.answered(run) if run.answered else {"answers": cards.invitation(), "heat": ""}
        return {**self.found(run), **answered}

    # -- events

    def find(self, *values: Any) -> Changes:  # noqa: ANN401
        """On an error, only the sentence changes."""
        return self._found(lambda: Inputs(*values))

    def open_case(self, event: gr.EventData) -> Changes:
        """A case study into the form, and asked."""
        slug = event._data.get("slug") if isinstance(event._data, dict) else None
        case = next((case for case in self.cases if case.slug == slug), None)
        if case is None:
            return _refused("That case study does not exist. Choose another.")
        return self._filled(case.inputs(self.defaults))

    def open_link(self, request: gr.Request) -> Changes:
        """The inputs of the page's address into the form, and asked, if it has any."""
        params = {key: request.query_params.getlist(key) for key in request.query_params}
        try:
            inputs = from_query(params, self.defaults)
        except ComposerError as error:
            return _refused(running.words_for(error))
        return {} if inputs is None else self._filled(inputs)

    def answer(self, found: Run | None, shown: Run | None) -> Iterator[Changes]:
        """The answers; of a slow model, after every method. If the models cannot answer, the last run comes back.

        What has its answer is not asked again: this step also follows an input that was refused.
        """
        if found is None or (shown is not None and shown.ticket == found.ticket):
            yield {}
            return
        slow = running.is_slow(self.composer)
        try:
            for run in self.work(found):
                if run.finished:
                    # a sentence on an input that was refused meanwhile stays
                    yield {"note": self._note(run), **self.answered(run), "shown": run}
                elif slow:
                    # what can be saved from the cards must be the run that they show
                    yield self.answered(run) if run.waiting else {**self.answered(run), "shown": run}
        except Exception as error:
            yield {**_refused(running.words_for(error)), **self.shown(shown), "found": shown}

    def turned_away(self, shown: Run | None, request: gr.Request) -> Changes:
        """The queue took no more, of anybody or of this visitor; the last run comes back."""
        return {**_refused(why_refused(request) or QUEUE_FULL), **self.shown(shown), "found": shown}

    def save(self, event: gr.EventData, shown: Run | None, *values: Any) -> Changes:  # noqa: ANN401
        """A link to the file that was asked for."""
        what = event._data.get("what") if isinstance(event._data, dict) else None
        try:
            file = saving.made(self.composer, self.example_map, shown, Inputs(*values), what)
            return {"error": "", "link": saving.link(self.downloads.put(*file))}
        except Exception as error:
            return _refused(running.words_for(error))

    def reweigh(self, found: Run | None, *values: Any) -> Changes:  # noqa: ANN401
        """What was found last, under the form's retrieval settings. Answers become stale."""
        if found is None:
            return {}
        try:
            trace = running.reweighed(self.composer, found, Inputs(*values)).trace
        except Exception as error:
            return _refused(running.words_for(error))
        neighbours = neighbour_list.draw(trace.neighbours, trace.weights)
        return {"error": "", "nucleus": ribbon.draw(trace.weights), "neighbours": neighbours}

    def show_results(self, event: gr.EventData) -> Changes:
        """Another part of the results, or another order."""
        if self.measured is None:
            return {}
        wanted = event._data.get("view") if isinstance(event._data, dict) else None
        return {"results": results.draw(self.measured, self.measured.view(wanted))}

    def reset(self) -> Changes:
        """Everything but question, options and passage at the bank's defaults."""
        return {"error": "", **self.defaults.settings_by_name()}

    def _filled(self, inputs: Inputs) -> Changes:
        return {**inputs.by_name(), **self._found(lambda: inputs)}

    def _found(self, read: Callable[[], Inputs]) -> Changes:
        try:
            run = running.find(self.composer, read())
        except Exception as error:
            return _refused(running.words_for(error))
        return {"error": "", **self.found(run), **self.answered(run), "found": run}

    def _note(self, run: Run) -> str:
        task = run.trace.weights.heaviest
        return case_note.draw(
            case_of(run.inputs, self.cases), run.trace, accuracy.of_case(self.measured, task) if self.measured else ""
        )

    def _accuracy(self, run: Run) -> str:
        """A line for what a run's answers are worth."""
        if self.measured is None:
            return ""
        task, inputs = run.trace.weights.heaviest, run.inputs
        return accuracy.of_answers(self.measured, task, inputs.methods, inputs.settings())


def _refused(words: str) -> Changes:
    return {"error": f'<p class="ac-error" role="alert">{esc(words)}</p>'}
