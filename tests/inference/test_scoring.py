"""One batched pass against the plain model, one option and one merge at a time."""

import copy
import hashlib
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import permutations

import pytest
import torch
from tiny_bank import TEMPLATE, save_tiny_llama
from tokenizers import processors

from composer.errors import InferenceError
from composer.inference import batched_lora, scoring
from composer.inference.base import load_base
from composer.inference.prompts import empty_prompt, encode_option, encode_prompt, prepare_tokenizer
from composer.inference.scoring import score
from composer.merging.factors import MergedAdapter, Stack
from composer.types import Failure, Prediction

from .conftest import random_adapter

QUESTION = "Where would a person buy a fresh loaf of bread?"
OPTIONS = ("the bakery on the corner", "no", "school", "a film, from start to end")
TOLERANCE = 1e-4


def ask(base, merged, question=QUESTION, options=OPTIONS, **kwargs):
    return score(base, question, options, merged, template=TEMPLATE, **kwargs)


def plain_log_probabilities(model, base, question=QUESTION, options=OPTIONS, end=(), template=TEMPLATE):
    """The textbook way: one full sequence per option through an ordinary model, no hooks, no packing."""
    prompt = encode_prompt(base.tokenizer, template.replace("{prompt}", question))
    totals = []
    for option in options:
        answer = [*encode_option(base.tokenizer, TEMPLATE, option), *end]
        with torch.inference_mode():
            logits = model(torch.tensor([prompt + answer])).logits[0].log_softmax(-1)
        totals.append(sum(logits[len(prompt) - 1 + i, token].item() for i, token in enumerate(answer)))
    return totals


def with_full_delta(base, adapter):
    """A copy of the model whose weights hold W + B A."""
    model = copy.deepcopy(base.model)
    for stack in adapter.stacks if adapter else ():
        for position, name in enumerate(stack.modules):
            module = model.get_submodule(name)
            module.weight.data += stack.scale * stack.b[position] @ stack.a[position]
    return model


def test_every_slot_equals_a_copy_of_the_model_with_the_full_delta(tiny, four_merges):
    for answer, adapter in zip(ask(tiny, four_merges), (None, *four_merges), strict=True):
        expected = plain_log_probabilities(with_full_delta(tiny, adapter), tiny)
        assert answer.log_probabilities == pytest.approx(expected, abs=TOLERANCE)
        assert answer.method == (adapter.method if adapter else "base")


def test_a_module_in_several_stacks_gets_the_sum_of_their_scaled_updates(tiny, four_merges):
    parts = (("linear", 0.5), ("ties", -0.25), ("magnitude_prune", 1.0))
    stacks = [
        replace(stack, scale=scale)
        for method, scale in parts
        for stack in next(merge for merge in four_merges if merge.method == method).stacks
    ]
    listed = MergedAdapter("cat", (("task", 1.0),), tuple(stacks))
    among_others = ask(tiny, (four_merges[0], listed, four_merges[2]))
    for answer, adapter in zip(among_others[1:], (four_merges[0], listed, four_merges[2]), strict=True):
        expected = plain_log_probabilities(with_full_delta(tiny, adapter), tiny)
        assert answer.log_probabilities == pytest.approx(expected, abs=TOLERANCE)


@pytest.fixture
def together(monkeypatch):
    """Short passes in 16 bits multiply all slots at once; here those in fp32 do."""
    monkeypatch.setattr(scoring, "together_pays", lambda dtype, tokens: True)


def test_one_product_of_all_slots_gives_each_slot_its_own_update(tiny, four_merges, together):
    scaled = replace(four_merges[2], stacks=tuple(replace(stack, scale=-0.5) for stack in four_merges[2].stacks))
    merges = (*four_merges[:2], scaled, four_merges[3])
    assert batched_lora.build_slots(merges, "cpu", torch.float32, together=True).shared
    for answer, adapter in zip(ask(tiny, merges), (None, *merges), strict=True):
        expected = plain_log_probabilities(with_full_delta(tiny, adapter), tiny)
        assert answer.log_probabilities == pytest.approx(expected, abs=TOLERANCE)


def test_damaged_factors_in_a_shared_product_harm_no_other_slot(tiny, four_merges, together):
    first = four_merges[0].stacks[0]
    damaged = replace(four_merges[0], stacks=(replace(first, b=first.b * float("inf")), *four_merges[0].stacks[1:]))
    base, failed, *others = ask(tiny, (damaged, *four_merges[1:]))
    assert isinstance(failed, Failure)
    for answer, adapter in zip((base, *others), (None, *four_merges[1:]), strict=True):
        expected = plain_log_probabilities(with_full_delta(tiny, adapter), tiny)
        assert answer.log_probabilities == pytest.approx(expected, abs=TOLERANCE)


def test_one_product_pays_for_short_passes_in_16_bits_only():
    pays = batched_lora.together_pays
    assert pays(torch.bfloat16, 100) and not pays(torch.bfloat16, 10_000) and not pays(torch.float32, 100)


def test_factors_too_large_to_be_copied_together_give_the_same_answers(tiny, four_merges, monkeypatch):
    joined = ask(tiny, four_merges)
    monkeypatch.setattr(batched_lora, "JOIN_BYTES", 0)
    slots = batched_lora.build_slots(four_merges, "cpu", torch.float32)
    assert all(update.a.shape[0] == 1 for parts in slots.updates.values() for update in parts)
    for apart, together in zip(ask(tiny, four_merges), joined, strict=True):
        assert apart.log_probabilities == pytest.approx(together.log_probabilities, abs=TOLERANCE)


def test_merges_differ_from_the_base_and_from_each_other(tiny, four_merges):
    totals = [answer.log_probabilities for answer in ask(tiny, four_merges)]
    for i, one in enumerate(totals):
        assert all(max(abs(a - b) for a, b in zip(one, other, strict=True)) > 0.1 for other in totals[:i])


def test_batched_equals_one_by_one(tiny, four_merges):
    batched = ask(tiny, four_merges)
    alone = [ask(tiny, ())[0], *(ask(tiny, (adapter,))[1] for adapter in four_merges)]
    for one, other in zip(batched, alone, strict=True):
        assert one.log_probabilities == pytest.approx(other.log_probabilities, abs=TOLERANCE)
        assert (one.method, one.chosen) == (other.method, other.chosen)


def test_an_option_scores_the_same_whatever_stands_beside_it(tiny, four_merges):
    together = ask(tiny, four_merges)
    for beside in ("no", OPTIONS[3], "x" * 30):
        pair = ask(tiny, four_merges, options=(OPTIONS[0], beside))
        for one, other in zip(together, pair, strict=True):
            assert one.log_probabilities[0] == pytest.approx(other.log_probabilities[0], abs=TOLERANCE)


@pytest.mark.parametrize("how", ["tokens", "pmi"])
def test_the_order_of_options_changes_no_bit_of_a_score(tiny, four_merges, how):
    expected = [dict(zip(OPTIONS, answer.scores, strict=True)) for answer in ask(tiny, four_merges, normalization=how)]
    for order in permutations(OPTIONS):
        answers = ask(tiny, four_merges, options=order, normalization=how)
        assert [dict(zip(order, answer.scores, strict=True)) for answer in answers] == expected


def test_the_order_of_merges_changes_no_answer(tiny, four_merges):
    forward = {answer.method: answer for answer in ask(tiny, four_merges)}
    for answer in ask(tiny, four_merges[::-1]):
        assert answer.log_probabilities == pytest.approx(forward[answer.method].log_probabilities, abs=TOLERANCE)


def test_the_sum_of_an_option_is_divided_by_its_tokens_bytes_or_characters(tiny, four_merges):
    options = ("café ", "no")
    lengths = {
        "tokens": [len(encode_option(tiny.tokenizer, TEMPLATE, option)) for option in options],
        "sum": [1, 1],
        "bytes": [5, 2],
        "characters": [4, 2],
    }
    for normalization, divisors in lengths.items():
        for answer in ask(tiny, four_merges, options=options, normalization=normalization):
            expected = [t / d for t, d in zip(answer.log_probabilities, divisors, strict=True)]
            assert answer.scores == pytest.approx(expected)
            assert answer.probabilities == pytest.approx(
                torch.tensor(expected, dtype=torch.float64).softmax(0).tolist()
            )
            assert answer.chosen == max(range(2), key=lambda i: answer.scores[i])


@pytest.mark.parametrize(("name", "meant"), [("token", "tokens"), ("PMI", "pmi"), ("character", "characters")])
def test_an_unknown_normalization_is_refused_with_a_guess(tiny, name, meant):
    with pytest.raises(InferenceError, match=f"Did you mean '{meant}'"):
        ask(tiny, (), normalization=name)


def test_harness_means_nothing_without_a_task(tiny):
    with pytest.raises(InferenceError, match="unknown normalization 'harness'"):
        ask(tiny, (), normalization="harness")


def test_pmi_is_the_difference_of_two_separate_forward_passes(tiny, four_merges):
    for answer, adapter in zip(ask(tiny, four_merges, normalization="pmi"), (None, *four_merges), strict=True):
        model = with_full_delta(tiny, adapter)
        asked = plain_log_probabilities(model, tiny)
        alone = plain_log_probabilities(model, tiny, question="")
        assert answer.log_probabilities == pytest.approx(asked, abs=TOLERANCE)
        assert answer.unconditional == pytest.approx(alone, abs=TOLERANCE)
        assert answer.scores == tuple(
            a - b for a, b in zip(answer.log_probabilities, answer.unconditional, strict=True)
        )
        assert answer.chosen == answer.scores.index(max(answer.scores))


def test_the_pass_without_a_question_changes_no_bit_of_the_one_with_it(tiny, four_merges):
    plain, both = ask(tiny, four_merges), ask(tiny, four_merges, unconditional=True)
    assert [replace(one, unconditional=None, milliseconds=0.0) for one in both] == [
        replace(one, milliseconds=0.0) for one in plain
    ]
    assert all(one.unconditional is None for one in plain)
    assert [one.unconditional for one in both] == [
        one.unconditional for one in ask(tiny, four_merges, normalization="pmi")
    ]


def test_what_an_option_has_without_a_question_depends_on_no_question_and_no_passage(tiny, four_merges):
    first = ask(tiny, four_merges, unconditional=True)
    other = ask(tiny, four_merges, question="Anna gave the ball away.", unconditional=True)
    assert [one.unconditional for one in first] == [one.unconditional for one in other]


def test_the_end_token_counts_without_a_question_too(tiny):
    (answer,) = ask(tiny, (), normalization="pmi", score_eos=True)
    end = (tiny.tokenizer.eos_token_id,)
    alone = plain_log_probabilities(tiny.model, tiny, question="", end=end)
    assert answer.unconditional == pytest.approx(alone, abs=TOLERANCE)


def test_a_template_that_is_only_the_question_begins_without_one_with_the_token_that_begins_a_text(tiny):
    begin = tiny.tokenizer.bos_token_id
    assert empty_prompt(tiny.tokenizer, "{prompt}")[0] == (begin if begin is not None else tiny.tokenizer.eos_token_id)
    (answer,) = score(tiny, QUESTION, OPTIONS, (), template="{prompt}", normalization="pmi")
    assert all(math.isfinite(total) for total in answer.unconditional)


def test_a_template_of_nothing_is_refused_where_no_token_begins_a_text(tiny):
    tokenizer = prepare_tokenizer(copy.deepcopy(tiny.tokenizer))
    tokenizer.bos_token = tokenizer.eos_token = None
    tokenizer.backend_tokenizer.post_processor = processors.Sequence([])
    with pytest.raises(InferenceError, match="another normalization than pmi"):
        empty_prompt(tokenizer, "{prompt}")


def test_the_end_token_counts_only_when_asked_for(tiny, four_merges):
    end = (tiny.tokenizer.eos_token_id,)
    for answer, adapter in zip(ask(tiny, four_merges, score_eos=True), (None, *four_merges), strict=True):
        expected = plain_log_probabilities(with_full_delta(tiny, adapter), tiny, end=end)
        assert answer.log_probabilities == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_merge_that_is_not_finite_fails_alone(tiny, four_merges, value):
    stack = four_merges[1].stacks[0]
    broken = replace(
        four_merges[1], stacks=(Stack(stack.modules, stack.a * value, stack.b), *four_merges[1].stacks[1:])
    )
    answers = ask(tiny, (four_merges[0], broken, *four_merges[2:]))
    assert isinstance(answers[2], Failure)
    assert answers[2].method == "cat" and "cat" in answers[2].message and "not finite" in answers[2].message
    for one, other in zip(answers, ask(tiny, four_merges), strict=True):
        if one is not answers[2]:
            assert one.log_probabilities == pytest.approx(other.log_probabilities, abs=TOLERANCE)


def test_a_merge_for_another_base_fails_alone_and_by_name(tiny, four_merges):
    lost = MergedAdapter(
        "ties", (), (Stack(("model.layers.9.self_attn.q_proj",), torch.ones(1, 2, 64), torch.ones(1, 64, 2)),)
    )
    wide = MergedAdapter(
        "cat", (), (Stack(("model.layers.0.self_attn.q_proj",), torch.ones(1, 2, 32), torch.ones(1, 64, 2)),)
    )
    answers = ask(tiny, (lost, four_merges[0], wide))
    assert [type(answer) for answer in answers] == [Prediction, Failure, Prediction, Failure]
    assert "model.layers.9.self_attn.q_proj" in answers[1].message
    assert "(64, 32)" in answers[3].message and "(64, 64)" in answers[3].message


def test_a_zero_update_leaves_the_base_answer(tiny):
    adapter = random_adapter(tiny, "linear", scale=0.0)
    base, merged = ask(tiny, (adapter,))
    assert merged.log_probabilities == pytest.approx(base.log_probabilities, abs=1e-6)


def test_one_long_and_one_short_option_fit_up_to_the_last_position(tiny, four_merges):
    question = "bread " * 300
    options = ("yes", "cakes " * 20)
    for answer in ask(tiny, four_merges, question=question, options=options):
        assert isinstance(answer, Prediction)


def state_hash(model):
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode() + tensor.contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize("fixture", ["tiny", "tiny_nf4"])
def test_a_hundred_calls_leave_the_base_model_as_it_was(request, fixture, four_merges):
    base = request.getfixturevalue(fixture)
    before = state_hash(base.model)
    for turn in range(100):
        ask(base, four_merges[: turn % 5])
    assert state_hash(base.model) == before


@pytest.mark.parametrize("fixture", ["tiny", "tiny_nf4"])
def test_eight_threads_give_bit_identical_answers_to_serial_ones(request, fixture):
    base = request.getfixturevalue(fixture)
    questions = [f"{QUESTION} {'Anna gave the ball away. ' * i}" for i in range(8)]
    merges = [
        tuple(random_adapter(base, f"m{j}", rank=2 + i % 3 + j, seed=10 * i + j) for j in range(i % 4))
        for i in range(8)
    ]

    def answers(i):
        found = ask(base, merges[i], questions[i], normalization=("tokens", "pmi")[i % 2])
        return [(a.method, a.scores, a.log_probabilities, a.probabilities, a.unconditional) for a in found]

    serial = [answers(i) for i in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(4):
            assert list(pool.map(answers, range(8))) == serial


def test_nf4_on_a_cpu_equals_its_dequantized_weights_plus_the_full_delta(tiny, tiny_nf4, four_merges):
    from bitsandbytes.functional import dequantize_4bit

    dequantized = copy.deepcopy(tiny.model)
    for name in tiny.module_shapes:
        weight = tiny_nf4.model.get_submodule(name).weight
        if hasattr(weight, "quant_state"):
            full = dequantize_4bit(weight.data, weight.quant_state).float()
            assert not torch.equal(full, dequantized.get_submodule(name).weight)
            dequantized.get_submodule(name).weight.data = full
    reference = replace(tiny, model=dequantized)
    for answer, adapter in zip(ask(tiny_nf4, four_merges), (None, *four_merges), strict=True):
        expected = plain_log_probabilities(with_full_delta(reference, adapter), reference)
        assert answer.log_probabilities == pytest.approx(expected, abs=TOLERANCE)


def test_nf4_takes_layers_of_any_size_on_a_cpu(tmp_path, four_merges):
    save_tiny_llama(tmp_path, intermediate=100, layers=4)
    base = load_base(tmp_path, quantization="nf4", device="cpu")
    adapter = random_adapter(base, "linear", kinds=("q_proj", "down_proj"))
    assert all(isinstance(answer, Prediction) for answer in ask(base, (adapter,)))


def test_int8_takes_the_same_path(tiny_folder, tiny):
    base = load_base(tiny_folder, quantization="int8", device="cpu")
    adapter = random_adapter(tiny, "linear")
    for eighth, full in zip(ask(base, (adapter,)), ask(tiny, (adapter,)), strict=True):
        assert eighth.scores == pytest.approx(full.scores, abs=0.5)
