"""From a person's words to tokens: plain text throughout, and cut to what the model can read.

Options are tokenized apart from the question, so no question can change an option's tokens.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from transformers import PreTrainedTokenizerBase

from composer.errors import InferenceError

PLACEHOLDER = "{prompt}"
# Words, or pieces of words too long to be kept or dropped whole (languages without spaces, long links).
_PIECE = re.compile(r"\S{1,16}\s*|\s+")


@dataclass(frozen=True)
class FittedPrompt:
    """A rendered prompt that leaves room for its longest option."""

    text_tokens: tuple[int, ...]
    cut: int = 0
    """Tokens left out."""
    note: str | None = None
    """A sentence for the person if something was left out."""


def prepare_tokenizer(tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    """Make a typed "</s>" plain text, and encoding free of state. Changes the tokenizer: call it once, after loading.

    Raises InferenceError for a tokenizer without the Rust backend, which could not be shared by threads.
    """
    if not tokenizer.is_fast:
        raise InferenceError("the base model's tokenizer has no tokenizer.json. Save it as a fast tokenizer.")
    tokenizer.split_special_tokens = True
    backend = tokenizer.backend_tokenizer
    backend.encode_special_tokens = True
    backend.no_truncation()
    backend.no_padding()
    return tokenizer


def encode_plain(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Tokens of the text alone: no token for begin or end, and none for special tokens spelled out in it."""
    backend = tokenizer.backend_tokenizer
    if not backend.encode_special_tokens:
        raise InferenceError("this tokenizer reads typed special tokens as such. Pass it through prepare_tokenizer.")
    return backend.encode(text, add_special_tokens=False).ids


def encode_prompt(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """As `encode_plain`, after the begin token where the tokenizer puts one. An end token is never added."""
    probe = tokenizer.backend_tokenizer.encode("a", add_special_tokens=True)
    begin = takewhile(lambda pair: pair[1] == 1, zip(probe.ids, probe.special_tokens_mask, strict=True))
    return [token for token, _ in begin] + encode_plain(tokenizer, text)


def encode_option(tokenizer: PreTrainedTokenizerBase, template: str, option: str) -> tuple[int, ...]:
    """The option's tokens as they follow the template's last character. Raises InferenceError if there are none.

    A space goes before the option unless the template ends with one (or a new line). Some tokenizers put a space of
    their own at the start of any text, so the option is encoded behind that last character, whose tokens are taken off.
    """
    before = split_template(template)[1][-1:] or "\n"
    text = option.strip() if before.isspace() else " " + option.strip()
    start, whole = encode_plain(tokenizer, before), encode_plain(tokenizer, before + text)
    tokens = whole[len(start) :] if whole[: len(start)] == start else encode_plain(tokenizer, text)
    if not option.strip() or not tokens:
        raise InferenceError(
            f"the option {option[:40]!r} has no tokens in this model's vocabulary. Write it another way."
        )
    return tuple(tokens)


def empty_prompt(tokenizer: PreTrainedTokenizerBase, template: str) -> tuple[int, ...]:
    """The template with neither question nor context; of one that is nothing else, the token that begins or ends texts.

    Raises InferenceError where there is no such token.
    """
    tokens = tuple(encode_prompt(tokenizer, "".join(split_template(template))))
    edges = (tokenizer.bos_token_id, tokenizer.eos_token_id)
    if not tokens and edges == (None, None):
        raise InferenceError(
            f"the prompt template {template[:60]!r} is empty without a question, and the base model has no token that "
            "begins a text. Give it words of its own, or choose another normalization than pmi."
        )
    return tokens or next((edge,) for edge in edges if edge is not None)


def split_template(template: str) -> tuple[str, str]:
    """What stands before and after the prompt. Raises InferenceError if the template has no place for it."""
    head, found, tail = template.partition(PLACEHOLDER)
    if not found:
        raise InferenceError(
            f"the prompt template {template[:60]!r} does not contain {PLACEHOLDER}. Add it to the bank."
        )
    return head, tail


def fit_prompt(
    tokenizer: PreTrainedTokenizerBase,
    template: str,
    context: str | None,
    question: str,
    options: Sequence[str],
    max_tokens: int,
) -> FittedPrompt:
    """Render and, if the longest option would not fit behind it, cut in the middle: first context, then question.

    `max_tokens` counts the prompt, the longest option and one end token. Options and template are never cut. Raises
    InferenceError if they alone are too long.
    """
    head, tail = split_template(template)
    longest = max(len(encode_option(tokenizer, template, option)) for option in options)
    room = max_tokens - longest - 1

    def tokens(context: str, question: str) -> list[int]:
        body = f"{context}\n{question}" if context else question
        return encode_prompt(tokenizer, head + body + tail)

    context = context or ""
    whole = tokens(context, question)
    if len(whole) <= room:
        return FittedPrompt(tuple(whole))
    shorter = _cut_to_fit(context, lambda text: len(tokens(text, question)) <= room)
    kept_question = question
    if len(tokens(shorter, question)) > room:
        kept_question = _cut_to_fit(question, lambda text: len(tokens("", text)) <= room)
    fitted = tokens(shorter, kept_question)
    if len(fitted) > room or not kept_question.strip():
        raise InferenceError(
            f"the longest option has {longest} tokens and the model reads {max_tokens} in all, which leaves no room "
            "for the question. Shorten the options."
        )
    cut = len(whole) - len(fitted)
    note = _note([("passage", context, shorter), ("question", question, kept_question)])
    return FittedPrompt(tuple(fitted), cut, note)


def _cut_to_fit(text: str, fits: Callable[[str], bool]) -> str:
    """The text without as few pieces of its middle as make it fit; empty, or nearly so, if none does."""
    pieces = _PIECE.findall(text)

    def without(removed: int) -> str:
        kept = max(len(pieces) - removed, 0)
        end = kept // 2
        return "".join(pieces[: kept - end] + pieces[len(pieces) - end :])

    return without(bisect_left(range(len(pieces) + 1), True, key=lambda removed: fits(without(removed))))


def _note(parts: Sequence[tuple[str, str, str]]) -> str:
    """parts: (what it is called, whole, shortened)"""
    lost = [
        f"about {max(len(whole.split()) - len(short.split()), 1):,} of the {name}'s {len(whole.split()):,} words"
        for name, whole, short in parts
        if short != whole
    ]
    return f"The prompt was too long for the model: {' and '.join(lost)} were left out of the middle."
