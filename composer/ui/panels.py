"""Places on the page for HTML made in Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import gradio as gr


@dataclass(frozen=True)
class Panels:
    """What a run fills."""

    finding: gr.HTML
    note: gr.HTML
    map: gr.HTML
    nucleus: gr.HTML
    reading: gr.HTML
    neighbours: gr.HTML
    answers: gr.HTML
    heat: gr.HTML

    def by_name(self) -> dict[str, gr.HTML]:
        return {name: getattr(self, name) for name in PANELS}


PANELS = tuple(field.name for field in fields(Panels))


def html_panel(
    value: str, *, elem_id: str | None = None, script: str | None = None, server: Callable[..., Any] | None = None
) -> gr.HTML:
    """A panel of ready HTML. The default template, which inserts it as it is and evaluates nothing in it."""
    return gr.HTML(
        value,
        elem_id=elem_id,
        js_on_load=script,
        apply_default_css=False,
        server_functions=[server] if server else None,
    )
