"""Names on the way to components: of what a handler changes, and of what the form holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import pytest

from composer.ui.inputs import NAMES

from .sample import METHODS, inputs

gr = pytest.importorskip("gradio")


def test_the_form_has_a_field_for_each_input_and_no_other():
    from composer.ui.form import Fields, build_form

    assert {field.name for field in fields(Fields)} == set(NAMES)
    with gr.Blocks():
        form = build_form((), inputs(question="Which?", top_k=7, embed_options=True))
    assert {name: field.value for name, field in form.fields.by_name().items()} == inputs(
        question="Which?", top_k=7, embed_options=True
    ).by_name()


def test_what_a_handler_changes_goes_to_the_component_of_that_name_and_the_rest_stays():
    from composer.ui.wiring import filling

    with gr.Blocks():
        one, two = gr.HTML(), gr.HTML()
    components = {"one": one, "two": two}
    assert filling(components, lambda: {"two": "new"})() == {two: "new"}
    assert filling(components, lambda: {})() == gr.skip()
    with pytest.raises(KeyError):
        filling(components, lambda: {"three": "lost"})()


def test_a_stream_that_nobody_follows_any_more_is_ended():
    from composer.ui.wiring import filling

    ended = []

    def handler() -> Iterator[dict]:
        try:
            yield {"one": 1}
            yield {"one": 2}
        finally:
            ended.append(True)

    with gr.Blocks():
        one = gr.HTML()
    stream = filling({"one": one}, handler)()
    assert next(stream) == {one: 1}
    stream.close()
    assert ended == [True]


def test_methods_stand_in_the_registrys_order_however_they_were_ticked():
    assert inputs(methods=tuple(reversed(METHODS))).methods == METHODS
    assert inputs(methods=("tie", "cat", "linear")).methods == ("linear", "cat", "tie")
