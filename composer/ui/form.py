"""The rail: question, options, settings and case studies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from composer.merging import METHODS
from composer.types import MAX_OPTION_CHARS, MAX_OPTIONS, MAX_PASSAGE_CHARS, MAX_QUESTION_CHARS
from composer.ui import gallery
from composer.ui.cases import Case
from composer.ui.choices import offered
from composer.ui.inputs import NAMES, Inputs
from composer.ui.number_field import number_field
from composer.ui.panels import html_panel


@dataclass(frozen=True)
class Fields:
    """The component of each of `Inputs`. Any: Gradio adds events such as `change` to its components at run time."""

    question: Any
    options: Any
    passage: Any
    top_p: Any
    top_k: Any
    kernel: Any
    density: Any
    majority_sign: Any
    normalization: Any
    methods: Any
    embed_options: Any

    def by_name(self) -> dict[str, Any]:
        """In the order of `Inputs`."""
        return {name: getattr(self, name) for name in NAMES}


@dataclass(frozen=True)
class Form:
    fields: Fields
    compare: gr.Button
    reset: gr.Button
    copy: gr.Button
    error: gr.HTML
    chips: gr.HTML


def build_form(studies: tuple[Case, ...], start: Inputs) -> Form:
    question = gr.Textbox(
        start.question,
        label="Question",
        lines=3,
        max_lines=10,
        max_length=MAX_QUESTION_CHARS,
        placeholder="Where can I buy a tennis ball?",
        elem_id="ac-question",
    )
    options = gr.Textbox(
        start.options,
        label="Answer options",
        info=f"One per line, 2 to {MAX_OPTIONS}",
        lines=4,
        max_lines=12,
        max_length=MAX_OPTIONS * MAX_OPTION_CHARS,
        placeholder="a sports store\na bakery",
        elem_id="ac-options",
    )
    with gr.Accordion("Passage (optional)", open=bool(start.passage), elem_id="ac-passage-box"):
        passage = gr.Textbox(
            start.passage,
            label="Passage",
            info=f"A text that the question is about, of at most {MAX_PASSAGE_CHARS:,} characters",
            lines=4,
            max_lines=14,
            max_length=MAX_PASSAGE_CHARS,
            elem_id="ac-passage",
        )
    compare = gr.Button("Compare merges", variant="primary", elem_id="ac-compare")
    error = html_panel("", elem_id="ac-error")
    html_panel('<p class="ac-error" role="alert"></p>', elem_id="ac-trouble")
    top_p = number_field(
        "top_p",
        start.top_p,
        label="Nucleus top-p",
        info="Keep the fewest tasks that together have this share of the votes",
        elem_id="ac-top-p",
    )
    advanced = _advanced(start)
    with gr.Row(elem_id="ac-actions"):
        copy = gr.Button("Copy link", size="sm", elem_id="ac-copy", min_width=80)
        reset = gr.Button("Reset settings", size="sm", elem_id="ac-reset", min_width=80)
    chips = html_panel(gallery.chips(studies), elem_id="ac-chips", script=CHIP_SCRIPT)
    return Form(Fields(question, options, passage, top_p, **advanced), compare, reset, copy, error, chips)


CHIP_SCRIPT = """
element.addEventListener('click', (event) => {
  const chip = event.target.closest('[data-case]');
  if (chip) trigger('click', {slug: chip.dataset.case});
});
"""


def _advanced(start: Inputs) -> dict[str, gr.Component]:
    """By the names of `Fields`."""
    prunes = ", ".join(method.title for method in METHODS.values() if method.prunes)
    elects = ", ".join(method.title for method in METHODS.values() if method.elects)
    with gr.Accordion("Advanced", open=False, elem_id="ac-advanced"):
        return {
            "top_k": number_field(
                "top_k",
                start.top_k,
                label="Neighbours (top-k)",
                info="How many training examples vote",
                elem_id="ac-top-k",
            ),
            "kernel": gr.Radio(
                offered("kernel"),
                value=start.kernel,
                label="Kernel",
                info="How much a neighbour at cosine distance d votes",
            ),
            "density": number_field(
                "density",
                start.density,
                label="Density",
                info=f"Share of the numbers that pruning keeps ({prunes})",
                elem_id="ac-density",
            ),
            "majority_sign": gr.Radio(
                offered("majority_sign"),
                value=start.majority_sign,
                label="Sign election",
                info=f"How adapters vote on a sign ({elects})",
            ),
            "normalization": gr.Radio(
                offered("normalization"),
                value=start.normalization,
                label="Option scores",
                info="How options of different length are made comparable; by the plain sum, long ones are at a loss",
            ),
            "methods": gr.CheckboxGroup(
                offered("methods"),
                value=list(start.methods),
                label="Methods",
            ),
            "embed_options": gr.Checkbox(
                start.embed_options, label="Search with the options too", info="Else only the question is compared"
            ),
        }
