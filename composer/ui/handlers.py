"""What each event does: values in, escaped HTML out. An error becomes one sentence, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from composer.pipeline import Composer
from composer.ui import case_note, fold, grid, results, running, saving
from composer.ui.cases import Case, case_of
from composer.ui.charts import heatmap, neighbour_list, neighbour_map, reading, ribbon
from composer.ui.inputs import Inputs
from composer.ui.link import Place, read_kept, read_link, read_place
from composer.ui.markup import esc
from composer.ui.measured import Measured
from composer.ui.panels import PANELS
from composer.ui.running import Run, Work
from composer.ui.server.downloads import Downloads
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
            "note": case_note.draw(case_of(run.inputs, self.cases), trace),
            "map": neighbour_map.draw(self.example_map, trace.neighbours, trace.query.text),
            "nucleus": ribbon.draw(trace.weights),
            "reading": reading.draw(trace.neighbours),
            "neighbours": neighbour_list.draw(trace.neighbours, trace.weights),
        }

    def answered(self, run: Run) -> Changes:
        """What the models say, as far as they have; until then, places for it."""
        trace, gold = run.trace, self._gold(run)
        if run.answered:
            heat, measured = heatmap.draw(trace.weights, trace.contributions, done=not run.waiting), self._accuracy(run)
        else:
            heat, measured = heatmap.waiting(), ""
        answers = grid.draw(trace, run.inputs, run.waiting, measured, gold)
        return {"finding": fold.draw(run, gold), "answers": answers, "heat": heat}

    def shown(self, run: Run | None) -> Changes:
        """Every panel, for what stands there between runs; where no model has answered, an invitation to ask."""
        if run is None:
            return dict.fromkeys(PANELS, "")
        invitation = {"finding": fold.invitation(run), "answers": grid.invitation(), "heat": ""}
        return {**self.found(run), **(self.answered(run) if run.answered else invitation)}

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

    def open_link(self, place: object) -> Changes:
        """The run of the page's address into the form, and asked, if there is one."""
        return self._opened(read_place(place))

    def go_to(self, place: object) -> Changes:
        """Likewise, by the browser's buttons for back and forward; without a question, the first case again."""
        changes = self._opened(read_place(place))
        return changes or (self._filled(self.cases[0].inputs(self.defaults)) if self.cases else {})

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
                    note = case_note.draw(case_of(run.inputs, self.cases), run.trace)
                    yield {"note": note, **self.answered(run), "shown": run}
                elif slow:
                    # what can be saved from the grid must be the run that it shows
                    yield self.answered(run) if run.waiting else {**self.answered(run), "shown": run}
        except Exception as error:
            yield {**_refused(running.words_for(error)), **self.shown(shown), "found": shown}

    def turned_away(self, shown: Run | None) -> Changes:
        """An event never got to its handler; the last run comes back. The client script says what happened."""
        return {**self.shown(shown), "found": shown}

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

    def _opened(self, place: Place) -> Changes:
        inputs = read_kept(place.kept, self.defaults)
        if inputs is not None:
            return self._filled(inputs)
        link = read_link(place.params, self.defaults, self.cases)
        if link is None:
            return {}
        if link.faults or link.inputs is None:
            return {**(link.inputs.by_name() if link.inputs else {}), **_refused(link.refusal)}
        return self._filled(link.inputs)

    def _filled(self, inputs: Inputs) -> Changes:
        return {**inputs.by_name(), **self._found(lambda: inputs)}

    def _found(self, read: Callable[[], Inputs]) -> Changes:
        try:
            run = running.find(self.composer, read())
        except Exception as error:
            return _refused(running.words_for(error))
        return {"error": "", **self.found(run), **self.answered(run), "found": run}

    def _gold(self, run: Run) -> int | None:
        """The right option of a case study; of what a visitor asks, nobody here knows it."""
        case = case_of(run.inputs, self.cases)
        return case.gold if case else None

    def _accuracy(self, run: Run) -> str:
        """A line for what a run's answers are worth."""
        if self.measured is None:
            return ""
        task, inputs = run.trace.weights.heaviest, run.inputs
        return accuracy.of_answers(self.measured, task, inputs.methods, inputs.settings())


def _refused(words: str) -> Changes:
    return {"error": f'<p class="ac-error" role="alert">{esc(words)}</p>'}
