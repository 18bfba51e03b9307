"""Words to tokens: nothing a person types is a control token, and what is too long is cut in the right place."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_bank import TEMPLATE
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from composer.errors import InferenceError
from composer.inference.prompts import encode_option, encode_plain, encode_prompt, fit_prompt, prepare_tokenizer

from .conftest import MAX_TOKENS

OPTIONS = ("yes", "the bakery on the corner")


def text_of(tokenizer, fitted):
    return tokenizer.decode(list(fitted.text_tokens), skip_special_tokens=True)


@pytest.mark.parametrize("typed", ["</s>", "<s>", "<pad>", "a</s>b", "<s><s>"])
def test_a_typed_special_token_is_plain_text(tiny, typed):
    tokens = encode_plain(tiny.tokenizer, typed)
    assert not set(tokens) & set(tiny.tokenizer.all_special_ids)
    assert tiny.tokenizer.decode(tokens) == typed
    assert not set(encode_option(tiny.tokenizer, TEMPLATE, typed)) & set(tiny.tokenizer.all_special_ids)


def test_a_prompt_begins_as_the_tokenizer_begins_and_never_ends(tiny):
    tokens = encode_prompt(tiny.tokenizer, "bread</s>")
    assert tokens[0] == tiny.tokenizer.bos_token_id
    assert not set(tokens[1:]) & set(tiny.tokenizer.all_special_ids)


def test_an_unprepared_tokenizer_is_refused(tiny_folder):
    raw = PreTrainedTokenizerFast.from_pretrained(tiny_folder)
    with pytest.raises(InferenceError, match="prepare_tokenizer"):
        encode_plain(raw, "bread")


def test_an_option_follows_a_space_unless_the_template_ends_with_one(tiny):
    plain = tuple(encode_plain(tiny.tokenizer, " bread"))
    assert encode_option(tiny.tokenizer, "{prompt}\nAnswer:", "  bread\n") == plain
    assert encode_option(tiny.tokenizer, "{prompt}\nAnswer:\n", "bread") == tuple(encode_plain(tiny.tokenizer, "bread"))


def test_a_tokenizer_that_adds_its_own_space_yields_one_space_only():
    backend = Tokenizer(models.WordLevel({"<unk>": 0, "▁:": 1, "▁": 2, "▁bread": 3, "bread": 4}, unk_token="<unk>"))
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    backend.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    tokenizer = prepare_tokenizer(PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>"))
    assert encode_plain(tokenizer, " bread") == [2, 3]
    assert encode_option(tokenizer, "{prompt}:", "bread") == (3,)


def test_an_option_without_tokens_is_refused(tiny):
    with pytest.raises(InferenceError, match="no tokens"):
        encode_option(tiny.tokenizer, TEMPLATE, "  ")


def test_a_template_without_a_place_for_the_prompt_is_refused(tiny):
    with pytest.raises(InferenceError, match="does not contain"):
        fit_prompt(tiny.tokenizer, "Answer:", None, "bread?", OPTIONS, MAX_TOKENS)


def test_a_short_prompt_is_kept_whole(tiny):
    fitted = fit_prompt(tiny.tokenizer, TEMPLATE, "Anna has a ball.", "Who has it? {prompt} {0}", OPTIONS, MAX_TOKENS)
    assert text_of(tiny.tokenizer, fitted) == "Anna has a ball.\nWho has it? {prompt} {0}\nAnswer:"
    assert (fitted.cut, fitted.note) == (0, None)


def test_a_long_prompt_loses_the_middle_of_its_context_only(tiny):
    context = "START " + "bread and cakes every morning " * 60 + "END"
    fitted = fit_prompt(tiny.tokenizer, TEMPLATE, context, "Who sells bread?", OPTIONS, MAX_TOKENS)
    text = text_of(tiny.tokenizer, fitted)
    assert text.startswith("START ") and text.endswith("END\nWho sells bread?\nAnswer:")
    longest = max(len(encode_option(tiny.tokenizer, TEMPLATE, option)) for option in OPTIONS)
    room = MAX_TOKENS - longest - 1
    assert room - 8 <= len(fitted.text_tokens) <= room
    assert fitted.cut > 0 and "passage" in fitted.note and "question" not in fitted.note


def test_a_long_question_without_context_loses_its_own_middle(tiny):
    question = "START " + "bread " * 300 + "END?"
    fitted = fit_prompt(tiny.tokenizer, TEMPLATE, None, question, OPTIONS, MAX_TOKENS)
    text = text_of(tiny.tokenizer, fitted)
    assert text.startswith("START ") and text.endswith("END?\nAnswer:")
    assert "question" in fitted.note and "302 words" in fitted.note


def test_context_goes_first_and_the_question_only_when_that_is_not_enough(tiny):
    fitted = fit_prompt(tiny.tokenizer, TEMPLATE, "film " * 50, "Who? " * 200 + "END", OPTIONS, MAX_TOKENS)
    text = text_of(tiny.tokenizer, fitted)
    assert "film" not in text and text.endswith("END\nAnswer:")
    assert "passage" in fitted.note and "question" in fitted.note


def test_options_that_fill_the_model_are_refused_not_cut(tiny):
    with pytest.raises(InferenceError, match="Shorten the options"):
        fit_prompt(tiny.tokenizer, TEMPLATE, None, "Who?", ("yes", "no " * 200), MAX_TOKENS)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(context=st.text(max_size=600), question=st.text(min_size=1, max_size=60).filter(str.strip))
def test_whatever_is_typed_fits(tiny, context, question):
    room = MAX_TOKENS - max(len(encode_option(tiny.tokenizer, TEMPLATE, option)) for option in OPTIONS) - 1
    fitted = fit_prompt(tiny.tokenizer, TEMPLATE, context, question, OPTIONS, MAX_TOKENS)
    assert len(fitted.text_tokens) <= room
    assert (fitted.note is None) == (fitted.cut == 0)
    assert text_of(tiny.tokenizer, fitted).endswith("\nAnswer:")
