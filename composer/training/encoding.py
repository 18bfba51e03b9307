"""Labelled examples as the tokens that a model is trained on: the prompt is read, only the answer is learned."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from composer.errors import ComposerError, InferenceError
from composer.inference.prompts import encode_option, fit_prompt
from composer.tasks.task import Example

log = logging.getLogger(__name__)

Row = dict[str, list[int]]
"""input_ids, labels and attention_mask, all of one length."""
UNLEARNED = -100
"""The label that the loss passes over."""


def encode_examples(
    examples: Sequence[Example], template: str, tokenizer: PreTrainedTokenizerBase, max_tokens: int
) -> list[Row]:
    """Those that have room in the model, long contexts cut in the middle. Raises ComposerError where none has."""
    rows = []
    for example in examples:
        try:
            rows.append(_encode(example, template, tokenizer, max_tokens))
        except InferenceError as error:
            log.warning("left out %s: %s", example.row_id, error)
    if not examples:
        raise ComposerError("there are no examples to train on. Name a source that has rows of this task.")
    if not rows:
        raise ComposerError(
            f"none of {len(examples)} examples can be trained on: no option has room in {max_tokens} tokens. "
            "Raise the recipe's max_tokens."
        )
    return rows


def _encode(example: Example, template: str, tokenizer: PreTrainedTokenizerBase, max_tokens: int) -> Row:
    """Prompt and gold answer exactly as scoring will encode them."""
    answer = list(encode_option(tokenizer, template, example.options[example.gold]))
    fitted = fit_prompt(tokenizer, template, example.context, example.question, example.options, max_tokens)
    prompt = list(fitted.text_tokens)
    return {
        "input_ids": prompt + answer,
        "labels": [UNLEARNED] * len(prompt) + answer,
        "attention_mask": [1] * (len(prompt) + len(answer)),
    }


def sha256_of_rows(rows: Sequence[Row]) -> str:
    """Of the tokens and their order: equal for equal rows, template and tokenizer."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps([row["input_ids"], row["labels"]]).encode())
    return digest.hexdigest()
