"""The public endpoint: what the page shows, as JSON. Typed: its documentation follows from here."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from composer.errors import ComposerError
from composer.pipeline import Composer
from composer.serialize import trace_to_json
from composer.ui.handlers import read_form
from composer.ui.running import Work, answered, find, words_for


def compare_endpoint(composer: Composer, work: Work) -> Callable[..., dict[str, Any]]:
    """The function that `gr.api` publishes as `/compare`; its defaults are the bank's own."""
    start = composer.default_settings()

    # Gradio reads these types while the program runs: they must be the types themselves.
    def compare(
        question: str,
        options: list[str],
        passage: str = "",
        top_p: float = start.retrieval.top_p,
        top_k: int = start.retrieval.top_k,
        kernel: str = start.retrieval.kernel,
        density: float = start.merge.density,
        majority_sign: str = start.merge.majority_sign_method,
        normalization: str = start.score.normalization,
        methods: list[str] | None = None,
        embed_options: bool = False,
    ) -> dict[str, Any]:
        """Neighbours, task weights, each method's answer and what went into each merge, for one question."""
        chosen = list(start.methods) if methods is None else methods
        try:
            if any("\n" in option for option in options):
                raise ComposerError("an option holds a line break. Give each option as one line.")
            inputs = read_form(
                (
                    question,
                    "\n".join(options),
                    passage,
                    top_p,
                    top_k,
                    kernel,
                    density,
                    majority_sign,
                    normalization,
                    chosen,
                    embed_options,
                )
            )
            return trace_to_json(answered(work, find(composer, inputs)))
        except Exception as error:
            raise gr.Error(words_for(error), print_exception=False) from None

    return compare
