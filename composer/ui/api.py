"""The public endpoint: what the page shows, as JSON. Typed: its documentation follows from here."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from composer.config import NORMALIZATIONS
from composer.merging import METHODS
from composer.pipeline import Composer
from composer.routing import KERNELS
from composer.serialize import trace_to_json
from composer.types import MAX_OPTIONS, MAX_PASSAGE_CHARS, MAX_QUESTION_CHARS, MIN_OPTIONS
from composer.ui.inputs import Inputs, option_texts
from composer.ui.running import Work, find, finished, words_for

WHAT_IT_DOES = (
    "Which LoRA adapters a question calls for, what the model answers under each way of merging them and without "
    "them, and what went into each merge."
)
PARAMETERS = {
    "question": f"what is asked, without its options, in at most {MAX_QUESTION_CHARS:,} characters",
    "options": f"{MIN_OPTIONS} to {MAX_OPTIONS} possible answers; their order changes nothing",
    "passage": f"a text that the question is about, of at most {MAX_PASSAGE_CHARS:,} characters",
    "top_p": "above 0, at most 1: the heaviest tasks are kept until together they weigh this much",
    "top_k": "how many of the nearest training examples decide about the tasks",
    "kernel": f"how a distance becomes a vote, one of {', '.join(KERNELS)}",
    "density": "above 0, at most 1: the share of entries that a method keeps, where it prunes",
    "majority_sign": "how the methods that vote elect a sign, total (by sum) or frequency (by count)",
    "normalization": "what an option's score is: "
    + "; ".join(f"{name} ({meaning})" for name, meaning in NORMALIZATIONS.items()),
    "methods": f"of {', '.join(METHODS)}; the paper's four where none are given",
    "embed_options": "look for examples that resemble question and options together",
}
"""What a person, or a language model over MCP, is told of each parameter of `/compare`."""


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
        try:
            inputs = Inputs(
                question=question,
                options="\n".join(option_texts(options)),
                passage=passage,
                top_p=top_p,
                top_k=top_k,
                kernel=kernel,
                density=density,
                majority_sign=majority_sign,
                normalization=normalization,
                methods=start.methods if methods is None else methods,  # type: ignore[arg-type]
                embed_options=embed_options,
            )
            return trace_to_json(finished(work, find(composer, inputs)).trace)
        except Exception as error:
            raise gr.Error(words_for(error), print_exception=False) from None

    # In the form that Gradio reads.
    lines = (f"    {name}: {told}" for name, told in PARAMETERS.items())
    compare.__doc__ = "\n".join((WHAT_IT_DOES, "Args:", *lines))
    return compare
