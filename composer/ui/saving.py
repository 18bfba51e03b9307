"""What a visitor can save of the run on show, besides what the browser makes by itself (JSON, CSV, PNG)."""

from __future__ import annotations

from composer.errors import SettingsError, unknown
from composer.merging import METHODS
from composer.pipeline import Composer
from composer.ui import svg
from composer.ui.adapter_zip import adapter_zip
from composer.ui.charts.neighbour_map import ExampleMap
from composer.ui.inputs import Inputs
from composer.ui.markup import esc
from composer.ui.running import Run, reweighed

CHARTS = ("map", "weights", "answers", "heat")


def made(
    composer: Composer, example_map: ExampleMap | None, run: Run | None, form: Inputs, what: object
) -> tuple[str, bytes]:
    """(file name, content) of a chart, or of the adapter of the method named. Raises ComposerError."""
    if run is None or not run.answered:
        raise SettingsError("there is no run to save yet. Compare first.")
    if isinstance(what, str) and what in METHODS:
        return f"{what}-adapter.zip", adapter_zip(composer.bank, run, what)
    return f"{what}.svg", _chart(composer, example_map, run, form, what).encode("utf-8", "replace")


def link(address: str) -> str:
    """The client script follows it once."""
    name = address.rpartition("/")[2]
    return f'<a data-made href="{esc(address)}" download="{esc(name)}" tabindex="-1" aria-hidden="true"></a>'


def _chart(composer: Composer, example_map: ExampleMap | None, run: Run, form: Inputs, what: object) -> str:
    trace = run.trace
    if what not in CHARTS:
        raise SettingsError(unknown("chart", str(what), CHARTS))
    if what == "answers":
        return svg.answers.draw(trace)
    if what == "heat":
        return svg.heat.draw(trace.weights, trace.contributions, trace.query.text)
    # the ribbon and the list follow top-p, top-k and the kernel as they are moved, before anything is compared anew
    current = reweighed(composer, run, form)
    if what == "weights":
        return svg.weights.draw(current.trace.weights, trace.query.text)
    if example_map is None:
        raise SettingsError("these examples ship without a map. Save the list of neighbours.")
    return svg.map.draw(example_map, trace.neighbours, trace.query.text)
