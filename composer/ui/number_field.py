"""A slider with its number field, which hands over whatever was typed."""

from __future__ import annotations

from abc import ABCMeta
from typing import Any

import gradio as gr
from gradio.component_meta import ComponentMeta

from composer.ui.ranges import RANGES


def number_field(name: str, value: float, *, label: str, info: str, elem_id: str) -> Any:  # noqa: ANN401 - as Gradio's
    """By the name of a field of `Inputs`. assets/fields.js says beside it what cannot be."""
    held = RANGES[name]
    return _Slider(held.low, held.high, value, step=held.step, label=label, info=info, elem_id=elem_id)


def _as_typed(_: gr.Slider, payload: object) -> object:
    """Gradio's own check raises before any handler is asked, with a traceback in the log. The handlers refuse a bad
    value too, in a sentence."""
    return payload


# not by a class statement: Gradio's metaclass would write a stub file beside this one
_Slider: Any = ABCMeta.__new__(
    ComponentMeta, "Slider", (gr.Slider,), {"preprocess": _as_typed, "__module__": __name__, "__doc__": __doc__}
)
