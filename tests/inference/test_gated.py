"""Gates in the one batched pass against PEFT's Arrow and plain per-module hooks, one option at a time."""

from __future__ import annotations

import copy
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch
from peft import ArrowConfig
from peft.tuners.lora.arrow import create_arrow_model
from safetensors.torch import load_file, save_file
from tiny_bank import save_random_adapter
from transformers import LlamaForCausalLM

from composer.bank.reading import read_adapter
from composer.inference import scoring
from composer.inference.base import load_base
from composer.inference.batched_lora import build_slots
from composer.inference.gated import gates
from composer.inference.looking import added_to, last_input, module_to_look_at
from composer.inference.prompts import encode_prompt
from composer.merging import AdapterFactors, MergedAdapter, gated, gating, merge
from composer.types import Failure

from .conftest import random_adapter
from .test_scoring import OPTIONS, TOLERANCE, ask, plain_log_probabilities, with_full_delta

RULES = ("arrow", "spectr")
ALPHAS = (8, 3, 16, 5)


@pytest.fixture(scope="module")
def folders(tiny, tmp_path_factory):
    """Four adapters whose singular values lie far apart: PEFT finds the first one by a few steps of power iteration."""
    shapes = {name: shape for name, shape in tiny.module_shapes.items() if name != "lm_head"}
    made = []
    for seed, alpha in enumerate(ALPHAS):
        folder = save_random_adapter(tmp_path_factory.mktemp("arrow") / str(seed), shapes, seed=seed)
        weights = load_file(folder / "adapter_model.safetensors")
        falling = torch.tensor([1.0, 0.25, 0.06, 0.015])[:, None]
        spread = {name: tensor * falling if "lora_A" in name else tensor for name, tensor in weights.items()}
        save_file(spread, folder / "adapter_model.safetensors", metadata={"format": "pt"})
        config = json.loads((folder / "adapter_config.json").read_text())
        (folder / "adapter_config.json").write_text(json.dumps({**config, "lora_alpha": alpha}))
        made.append(folder)
    return made


@pytest.fixture(scope="module")
def adapters(tiny, folders):
    return [
        read_adapter(folder, name=f"task_{number}", base_shapes=tiny.module_shapes)
        for number, folder in enumerate(folders)
    ]


@pytest.fixture(scope="module")
def uneven(tiny):
    """Ranks 2, 4 and 6; one lacks a layer, one has other kinds of module."""
    made = (
        random_adapter(tiny, "a", rank=2, seed=1),
        random_adapter(tiny, "b", rank=4, seed=2, layers=3),
        random_adapter(tiny, "c", rank=6, seed=3, kinds=("q_proj", "o_proj", "up_proj")),
        random_adapter(tiny, "d", rank=4, seed=4),
    )
    return [AdapterFactors(m.method, m.method, 0.5 + i, m.stacks) for i, m in enumerate(made)]


def weights_by_hand(rule, update, x):
    """The score of each token, by the full matrix of an update."""
    if rule == "spectr":
        return (x @ update.T).norm(dim=-1)
    return (x @ torch.linalg.svd(update).Vh[0]).abs()


def with_hooks(base, adapters, rule, top_k, temperature=1.0):
    """A copy of the model in which every module weighs the full matrices of its adapters, token by token."""
    model = copy.deepcopy(base.model)
    own: dict[str, list[torch.Tensor]] = {}
    for adapter in adapters:
        for stack in adapter.stacks:
            for at, module in enumerate(stack.modules):
                own.setdefault(module, []).append(adapter.scaling * stack.b[at] @ stack.a[at])
    for name, updates in own.items():

        def add(_module, args, output, updates=updates):
            scores = torch.stack([weights_by_hand(rule, update, args[0]) for update in updates], dim=-1)
            cut = scores.sort(dim=-1, descending=True).values[..., min(top_k, len(updates)) - 1, None]
            weights = scores.masked_fill(scores < cut, -torch.inf).div(temperature).softmax(dim=-1)
            return output + sum(weights[..., i, None] * (args[0] @ update.T) for i, update in enumerate(updates))

        model.get_submodule(name).register_forward_hook(add)
    return model


def test_arrow_is_that_of_peft(tiny, tiny_folder, folders, adapters):
    config = ArrowConfig(top_k=3, router_temperature=1.0, use_gks=False, rng_seed=0)
    model = LlamaForCausalLM.from_pretrained(tiny_folder)
    theirs = create_arrow_model(model, [str(folder) for folder in folders], config).eval()
    _, ours = ask(tiny, (gated("arrow", adapters, top_k=3),))
    assert ours.log_probabilities == pytest.approx(plain_log_probabilities(theirs, tiny), abs=TOLERANCE)
    base, _ = ask(tiny, (gated("arrow", adapters, top_k=3),))
    assert max(abs(a - b) for a, b in zip(base.log_probabilities, ours.log_probabilities, strict=True)) > 0.1


@pytest.mark.parametrize("join_bytes", [0, 2**28])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("top_k", "temperature"), [(1, 1.0), (2, 0.3), (3, 5.0), (99, 1.0)])
def test_a_gate_equals_hooks_with_full_matrices(tiny, uneven, rule, top_k, temperature, join_bytes, monkeypatch):
    monkeypatch.setattr(gating, "JOIN_BYTES", join_bytes)
    _, ours = ask(tiny, (gated(rule, uneven, top_k=top_k, temperature=temperature),))
    expected = plain_log_probabilities(with_hooks(tiny, uneven, rule, top_k, temperature), tiny)
    assert ours.log_probabilities == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize("rule", RULES)
def test_one_adapter_alone_is_applied_at_full_strength(tiny, adapters, rule):
    _, alone, whole = ask(tiny, (gated(rule, adapters[:1], top_k=3), merge("cat", adapters[:1], {"task_0": 1.0})))
    assert alone.log_probabilities == pytest.approx(whole.log_probabilities, abs=TOLERANCE)


def test_gates_beside_merges_equal_each_alone(tiny, four_merges, adapters, uneven):
    beside = (
        gated("arrow", adapters, top_k=3),
        *four_merges[:2],
        gated("spectr", uneven, top_k=2),
        *four_merges[2:],
    )
    together = ask(tiny, beside)
    alone = [ask(tiny, ())[0], *(ask(tiny, (one,), base_too=False)[0] for one in beside)]
    for one, other in zip(together, alone, strict=True):
        assert one.method == other.method
        assert one.log_probabilities == pytest.approx(other.log_probabilities, abs=TOLERANCE)


def test_gates_stand_beside_one_product_of_all_merges(tiny, four_merges, adapters, monkeypatch):
    beside = (*four_merges, gated("arrow", adapters, top_k=2))
    apart = ask(tiny, beside)
    monkeypatch.setattr(scoring, "together_pays", lambda dtype, tokens: True)
    for one, other in zip(ask(tiny, beside), apart, strict=True):
        assert one.log_probabilities == pytest.approx(other.log_probabilities, abs=TOLERANCE)


@pytest.mark.parametrize("rule", RULES)
def test_packed_options_are_hidden_from_each_other(tiny, uneven, rule):
    gate = gated(rule, uneven, top_k=2)
    whole = dict(zip(OPTIONS, ask(tiny, (gate,))[1].log_probabilities, strict=True))
    for pair in (OPTIONS[:2], OPTIONS[1:3], (OPTIONS[3], OPTIONS[0])):
        found = ask(tiny, (gate,), options=pair)[1].log_probabilities
        assert found == pytest.approx([whole[option] for option in pair], abs=TOLERANCE)


def test_eight_threads_at_once_get_what_one_after_another_gets(tiny, four_merges, adapters, uneven):
    asked = [
        (gated(rule, chosen, top_k=k), four_merges[k])
        for rule in RULES
        for k in (1, 2)
        for chosen in (adapters, uneven)
    ]
    serial = [ask(tiny, one) for one in asked]
    with ThreadPoolExecutor(8) as pool:
        for one, other in zip(pool.map(lambda merged: ask(tiny, merged), asked), serial, strict=True):
            assert [a.log_probabilities for a in one] == [b.log_probabilities for b in other]


@pytest.mark.parametrize("shared", [False, True])
def test_a_damaged_gate_fails_alone(tiny, four_merges, adapters, shared, monkeypatch):
    monkeypatch.setattr(scoring, "together_pays", lambda dtype, tokens: shared)
    good = gated("spectr", adapters, top_k=2)
    first, *rest = gated("arrow", adapters, top_k=2).stacks
    part = replace(first.parts[0], b=first.parts[0].b * float("nan"))
    damaged = replace(gated("arrow", adapters, top_k=2), stacks=(replace(first, parts=(part,)), *rest))
    answers = ask(tiny, (damaged, four_merges[0], good))
    assert isinstance(answers[1], Failure) and "arrow" in answers[1].message
    undamaged = ask(tiny, (four_merges[0], good))
    for one, other in zip((answers[0], *answers[2:]), undamaged, strict=True):
        assert one.log_probabilities == pytest.approx(other.log_probabilities, abs=TOLERANCE)


def test_a_gate_for_another_base_fails_alone(tiny, adapters):
    gate = gated("arrow", adapters, top_k=2)
    lost = replace(gate, stacks=(replace(gate.stacks[0], modules=("elsewhere",) * 4), *gate.stacks[1:]))
    base, failed, answered = ask(tiny, (lost, gate))
    assert isinstance(failed, Failure) and "elsewhere" in failed.message
    assert base.log_probabilities != answered.log_probabilities


def test_layers_in_nf4_are_gated_like_others(tiny_nf4, uneven):
    for rule in RULES:
        _, ours = ask(tiny_nf4, (gated(rule, uneven, top_k=2),))
        expected = plain_log_probabilities(with_hooks(tiny_nf4, uneven, rule, 2), tiny_nf4)
        assert ours.log_probabilities == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("rule", RULES)
def test_in_bf16_a_gate_stays_near_its_answers_in_fp32(tiny, tiny_folder, adapters, rule):
    half = load_base(tiny_folder, device="cpu", dtype=torch.bfloat16)
    slots = build_slots((gated(rule, adapters, top_k=3, dtype=torch.bfloat16),), "cpu", torch.bfloat16)
    parts = [part for updates in slots.updates.values() for update in updates for part in update.parts]
    assert {part.a.dtype for part in parts} == {torch.bfloat16}
    _, exact = ask(tiny, (gated(rule, adapters, top_k=3),))
    _, rounded = ask(half, (gated(rule, adapters, top_k=3, dtype=torch.bfloat16),))
    assert rounded.scores == pytest.approx(exact.scores, abs=0.5)


def test_a_tokens_weights_are_a_softmax_over_its_best():
    scores = torch.tensor([[1.0, 3.0, 2.0], [0.0, 0.0, -1.0]])
    found = gates(scores, 2, 0.5)
    assert found[0].tolist() == pytest.approx([0, *torch.tensor([6.0, 4.0]).softmax(0).tolist()])
    assert found[1].tolist() == pytest.approx([0.5, 0.5, 0])
    assert gates(scores, 1, 1.0).tolist() == [[0, 1, 0], [1, 0, 0]]


def test_what_is_looked_at_is_what_the_last_query_projection_reads(tiny, uneven):
    tokens = encode_prompt(tiny.tokenizer, "Where would a person buy bread?\nAnswer:")
    module = module_to_look_at(tiny.module_shapes)
    assert module == "model.layers.3.self_attn.q_proj"
    seen = []
    model = copy.deepcopy(tiny.model)
    model.get_submodule(module).register_forward_pre_hook(lambda _module, args: seen.append(args[0][0, -1]))
    with torch.inference_mode():
        model(torch.tensor([tokens]))
    found = last_input(tiny, tokens, module)
    torch.testing.assert_close(found, seen[0])
    for adapter, lacks in zip(uneven, (False, True, False, False), strict=True):
        added = torch.from_numpy(added_to(found, adapter, module, 64))
        torch.testing.assert_close(
            added, torch.zeros(64) if lacks else adapter.scaling * with_only(tiny, adapter, module) @ found
        )


def with_only(base, adapter, module):
    """The update of one module, as what it changes in the weights of a copy of the model."""
    changed = with_full_delta(base, MergedAdapter("it", (), adapter.stacks)).get_submodule(module).weight
    return changed - base.model.get_submodule(module).weight


def test_eight_threads_look_at_once_without_a_mix_up(tiny):
    module = module_to_look_at(tiny.module_shapes)
    prompts = [encode_prompt(tiny.tokenizer, f"Question number {number}" * number) for number in range(1, 9)]
    serial = [last_input(tiny, prompt, module) for prompt in prompts]
    with ThreadPoolExecutor(8) as pool:
        for one, other in zip(pool.map(lambda prompt: last_input(tiny, prompt, module), prompts), serial, strict=True):
            assert torch.equal(one, other)
