"""Loading: frozen, offline, and one sentence for everything that is missing or damaged."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from composer.errors import BankError, ComposerError, InferenceError
from composer.inference.base import check_base, load_base
from composer.inference.memory import free_bytes
from composer.inference.planning import check_room, plan_base


@pytest.fixture
def copied(tiny_folder, tmp_path):
    return shutil.copytree(tiny_folder, tmp_path / "base")


def test_a_loaded_model_is_frozen_and_knows_its_modules(tiny):
    assert not tiny.model.training
    assert not any(weight.requires_grad for weight in tiny.model.parameters())
    assert tiny.module_shapes["model.layers.3.mlp.down_proj"] == (64, 96)
    assert tiny.module_shapes["model.layers.0.self_attn.k_proj"] == (32, 64)
    assert (tiny.dtype, tiny.max_tokens, tiny.device.type) == (torch.float32, 128, "cpu")


def test_nf4_knows_the_same_modules(tiny, tiny_nf4):
    assert tiny_nf4.module_shapes == tiny.module_shapes
    assert type(tiny_nf4.model.get_submodule("model.layers.0.self_attn.q_proj")).__name__ == "Linear4bit"


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_is_named(copied, missing):
    (copied / missing).unlink()
    with pytest.raises(BankError, match="config.json|tokenizer.json|safetensors"):
        load_base(copied, device="cpu")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(BankError, match="does not exist"):
        load_base(tmp_path / "nowhere", device="cpu")
    with pytest.raises(BankError, match="does not exist"):
        load_base("./nowhere", device="cpu")


def test_truncated_weights_are_refused(copied):
    weights = copied / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(BankError, match="weights in .* could not be read"):
        load_base(copied, device="cpu")


def test_a_damaged_tokenizer_is_refused(copied):
    (copied / "tokenizer.json").write_text('{"version": "1.0"', encoding="utf-8")
    with pytest.raises(BankError, match="tokenizer in .* could not be read"):
        load_base(copied, device="cpu")


def test_a_missing_tensor_is_not_filled_with_random_numbers(copied):
    weights = load_file(copied / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, copied / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BankError, match="up_proj"):
        load_base(copied, device="cpu")


def test_weights_that_are_not_finite_are_refused(copied):
    weights = load_file(copied / "model.safetensors")
    weights["model.layers.1.mlp.up_proj.weight"][0, 0] = float("nan")
    save_file(weights, copied / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BankError, match="up_proj.*not finite"):
        load_base(copied, device="cpu")


def test_an_unknown_architecture_is_refused_and_its_code_not_run(copied):
    config = json.loads((copied / "config.json").read_text(encoding="utf-8"))
    config |= {"model_type": "mystery", "auto_map": {"AutoModelForCausalLM": "evil.Model", "AutoConfig": "evil.Config"}}
    (copied / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (copied / "evil.py").write_text(f"open({str(copied / 'ran')!r}, 'w')", encoding="utf-8")
    with pytest.raises(BankError):
        load_base(copied, device="cpu")
    assert not (copied / "ran").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_said(tiny_folder):
    with pytest.raises(InferenceError, match="no GPU"):
        load_base(tiny_folder, device="cuda")


@pytest.mark.parametrize("wrong", [{"quantization": "nf5"}, {"device": "gpu"}])
def test_an_unknown_setting_is_refused(tiny_folder, wrong):
    with pytest.raises(ComposerError, match="unknown"):
        load_base(tiny_folder, **wrong)


# What a 7b base asks for, known from its config before any of its weights is there.

LLAMA_2_7B = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": 32_000,
    "hidden_size": 4_096,
    "intermediate_size": 11_008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "max_position_embeddings": 4_096,
    "tie_word_embeddings": False,
}
CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.fixture(scope="module")
def config_7b(tmp_path_factory):
    """config.json alone."""
    folder = tmp_path_factory.mktemp("7b")
    (folder / "config.json").write_text(json.dumps(LLAMA_2_7B), encoding="utf-8")
    return folder


def test_the_plan_of_a_7b_base_counts_its_parameters_and_bytes(config_7b):
    plan = plan_base(config_7b, "nf4")
    assert plan.parameters == 6_738_415_616
    assert plan.module_shapes["model.layers.31.mlp.gate_proj"] == (11_008, 4_096)
    # 6.48 billion in 4 bits, embeddings and head (2 x 131 million) in 16
    assert 3.8e9 < plan.weight_bytes < 3.9e9
    assert 13.4e9 < plan_base(config_7b, "none").weight_bytes < 13.5e9
    assert 6.9e9 < plan_base(config_7b, "int8").weight_bytes < 7.1e9


@pytest.mark.parametrize("quantization", ["none", "nf4", "int8"])
def test_the_plan_knows_the_modules_and_bytes_of_the_loaded_model(tiny_folder, quantization):
    plan = plan_base(tiny_folder, quantization, "cpu")
    loaded = load_base(tiny_folder, quantization=quantization, device="cpu")
    assert plan.module_shapes == loaded.module_shapes
    assert plan.weight_bytes == pytest.approx(loaded.model.get_memory_footprint(), rel=0.1)


@pytest.mark.parametrize("quantization", ["nf4", "int8"])
def test_a_7b_base_in_few_bits_is_refused_without_a_gpu(config_7b, quantization, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InferenceError, match=f"6.7 billion parameters in {quantization} needs a GPU.*Use a machine"):
        check_base(config_7b, quantization=quantization)


def test_whoever_asks_for_the_cpu_gets_it_where_there_is_room(config_7b, monkeypatch):
    monkeypatch.setattr("composer.inference.planning.free_bytes", lambda device: 10**12)
    check_base(config_7b, quantization="nf4", device="cpu")


def test_a_small_base_in_few_bits_runs_on_a_cpu(tiny_folder, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    check_base(tiny_folder, quantization="nf4")


@pytest.mark.parametrize(
    ("device", "quantization", "words"),
    [
        (CPU, "none", "this machine has 4.0 GB free.*quantization = .nf4"),
        (GPU, "none", "the GPU has 4.0 GB free.*quantization = .nf4"),
        (GPU, "nf4", "the GPU has 4.0 GB free. Close what else uses the GPU"),
    ],
)
def test_memory_that_does_not_suffice_is_said_with_both_numbers(config_7b, device, quantization, words, monkeypatch):
    monkeypatch.setattr("composer.inference.planning.free_bytes", lambda device: 4 * 10**9)
    plan = plan_base(config_7b, quantization, device.type)
    with pytest.raises(InferenceError, match=rf"needs about \d+\.\d GB of memory as {quantization}.*{words}"):
        check_room(plan, device, chosen=True)


def test_where_memory_cannot_be_told_nothing_is_refused(config_7b, monkeypatch):
    monkeypatch.setattr("composer.inference.planning.free_bytes", lambda device: None)
    check_room(plan_base(config_7b, "none", "cpu"), CPU, chosen=True)


def test_loading_asks_first_whether_there_is_room(copied, monkeypatch):
    monkeypatch.setattr("composer.inference.planning.free_bytes", lambda device: 1_000)
    monkeypatch.setattr("composer.inference.base._load_model", lambda *_: pytest.fail("the weights were read"))
    with pytest.raises(InferenceError, match="needs about"):
        load_base(copied, device="cpu")


def test_memory_that_runs_out_while_loading_is_one_sentence(copied, monkeypatch):
    def too_large(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr("composer.inference.base._load_model", too_large)
    with pytest.raises(InferenceError, match="memory ran out while the base model's weights"):
        load_base(copied, device="cpu")


@pytest.mark.parametrize(
    "change", [{"model_type": "mystery"}, {"num_hidden_layers": 10**9}, {"num_hidden_layers": "32"}, {"hidden_size": 7}]
)
def test_a_config_that_is_no_model_is_refused_before_memory_is_taken(tmp_path, change):
    (tmp_path / "config.json").write_text(json.dumps(LLAMA_2_7B | change), encoding="utf-8")
    with pytest.raises(BankError, match="describes no causal language model"):
        plan_base(tmp_path, "none")


def machine(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="ascii")
    return folder


MEMINFO = {"proc/meminfo": "MemTotal: 9000 kB\nMemFree: 10 kB\nMemAvailable: 4000 kB\n"}
CGROUP = "sys/fs/cgroup/"


@pytest.mark.parametrize(
    ("files", "free"),
    [
        ({}, None),
        (MEMINFO, 4_096_000),
        (MEMINFO | {f"{CGROUP}memory.max": "max\n", f"{CGROUP}memory.current": "5\n"}, 4_096_000),
        (
            {
                **MEMINFO,
                f"{CGROUP}memory.max": "3000\n",
                f"{CGROUP}memory.current": "2000\n",
                f"{CGROUP}memory.stat": "anon 1500\ninactive_file 500\n",
            },
            1_500,
        ),
        (
            {
                **MEMINFO,
                f"{CGROUP}memory/memory.limit_in_bytes": "3000\n",
                f"{CGROUP}memory/memory.usage_in_bytes": "2900\n",
                f"{CGROUP}memory/memory.stat": "inactive_file 7\ntotal_inactive_file 50\n",
            },
            150,
        ),
    ],
    ids=["unknown", "machine", "container without a limit", "container", "older container"],
)
def test_free_memory_is_that_of_the_machine_or_of_the_container(tmp_path, files, free):
    assert free_bytes(CPU, machine(tmp_path, files)) == free


def test_int8_answers_nearly_as_full_precision_does(tiny, tiny_folder):
    int8 = load_base(tiny_folder, quantization="int8", device="cpu")
    tokens = torch.arange(3, 20)[None]
    with torch.inference_mode():
        full, packed = (base.model(input_ids=tokens).logits.softmax(-1) for base in (tiny, int8))
    assert type(int8.model.get_submodule("model.layers.0.self_attn.q_proj")).__name__ == "Linear8bitLt"
    assert (full - packed).abs().max() < 0.05
