from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import pytest
import torch
from bank_files import LAYERS, SHAPES, factors, write_raw_adapter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from composer.bank.reading import read_adapter
from composer.errors import AdapterError

WEIGHTS = "adapter_model.safetensors"


def read(folder: Path, **options: object):
    return read_adapter(folder, name="piqa", base_shapes=SHAPES, **options)  # type: ignore[arg-type]


def raw_safetensors(path: Path, header: object, data: bytes = b"", length: int | None = None) -> None:
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(content) if length is None else length) + content + data)


def test_factors_are_stacked_by_kind_in_the_order_of_the_layers(tmp_path: Path):
    tensors = factors()
    adapter = read(write_raw_adapter(tmp_path, tensors))
    assert (adapter.name, adapter.scaling, adapter.rank) == ("piqa", 2.0, 4)
    assert [stack.modules[0].rsplit(".", 1)[1] for stack in adapter.stacks] == ["q_proj", "v_proj"]
    for stack in adapter.stacks:
        assert [int(module.split(".")[2]) for module in stack.modules] == list(range(LAYERS))
        for position, module in enumerate(stack.modules):
            assert torch.equal(stack.a[position], tensors[f"base_model.model.{module}.lora_A.weight"])
            assert torch.equal(stack.b[position], tensors[f"base_model.model.{module}.lora_B.weight"])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_becomes_float32_without_a_change(tmp_path: Path, dtype: torch.dtype):
    tensors = {name: tensor.to(dtype) for name, tensor in factors().items()}
    adapter = read(write_raw_adapter(tmp_path, tensors))
    module = adapter.stacks[0].modules[3]
    assert adapter.stacks[0].a.dtype == torch.float32
    assert torch.equal(adapter.stacks[0].a[3], tensors[f"base_model.model.{module}.lora_A.weight"].float())


def test_the_key_follows_content_and_scaling_and_not_the_name(tmp_path: Path):
    first = read(write_raw_adapter(tmp_path / "a"))
    same = read_adapter(write_raw_adapter(tmp_path / "b"), name="other")
    scaled = read(write_raw_adapter(tmp_path / "c", lora_alpha=9))
    changed = read(write_raw_adapter(tmp_path / "d", factors(1)))
    assert first.key == same.key
    assert len({first.key, scaled.key, changed.key}) == 3


def test_an_adapter_may_leave_modules_out(tmp_path: Path):
    few = {name: tensor for name, tensor in factors().items() if ".layers.10." in name}
    assert [stack.modules for stack in read(write_raw_adapter(tmp_path, few)).stacks] == [
        ("model.layers.10.self_attn.q_proj",),
        ("model.layers.10.self_attn.v_proj",),
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"peft_type": "IA3"}, "type 'IA3'"),
        ({"peft_type": None}, "type None"),
        ({"use_dora": True}, "DoRA"),
        ({"use_rslora": True}, "rsLoRA"),
        ({"lora_bias": True}, "lora_bias"),
        ({"bias": "all"}, "bias 'all'"),
        ({"rank_pattern": {"(a+)+$": 8}}, "rank_pattern"),
        ({"alpha_pattern": {"q_proj": 8}}, "alpha_pattern"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"layer_replication": [[0, 99999]]}, "layer_replication"),
        ({"init_lora_weights": "pissa"}, "'pissa', which can change the base"),
        ({"init_lora_weights": "olora"}, "'olora', which can change the base"),
        ({"init_lora_weights": "loftq"}, "'loftq', which can change the base"),
        ({"init_lora_weights": ["pissa"]}, "which can change the base"),
        ({"trainable_token_indices": [1]}, "trainable_token_indices"),
        ({"target_parameters": ["x"]}, "target_parameters"),
        ({"use_qalora": True}, "QALoRA"),
        ({"kasa_config": {"beta": 1}}, "'kasa_config'"),
        ({"arrow_config": {"k": 1}}, "'arrow_config'"),
        ({"a_key_of_the_future": 1}, "'a_key_of_the_future'"),
        ({"fan_in_fan_out": True}, "fan_in_fan_out"),
        ({"r": 200_000}, "rank 200000"),
        ({"r": 0}, "rank 0"),
        ({"r": True}, "rank True"),
        ({"r": "4"}, "rank '4'"),
        ({"r": 8}, "its config says rank 8"),
        ({"lora_alpha": 0}, "lora_alpha 0"),
        ({"lora_alpha": -1}, "lora_alpha -1"),
        ({"lora_alpha": float("nan")}, "lora_alpha nan"),
        ({"lora_alpha": float("inf")}, "lora_alpha inf"),
        ({"lora_alpha": 10**400}, "lora_alpha 1000"),
        ({"lora_alpha": None}, "lora_alpha None"),
    ],
    ids=str,
)
def test_a_config_that_is_no_plain_lora_is_refused_by_name(tmp_path: Path, change: dict, words: str):
    with pytest.raises(AdapterError, match="adapter 'piqa'") as refused:
        read(write_raw_adapter(tmp_path, **change))
    assert words in str(refused.value)


def test_a_config_as_peft_saves_it_is_accepted(tmp_path: Path):
    from peft import LoraConfig

    write_raw_adapter(tmp_path)
    (tmp_path / "adapter_config.json").unlink()
    LoraConfig(r=4, lora_alpha=2, target_modules=["q_proj"], task_type="CAUSAL_LM", lora_dropout=0.1).save_pretrained(
        tmp_path
    )
    assert read(tmp_path).scaling == 0.5


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"r": ' + b"1" * 2_000_000 + b"}"]
)
def test_a_config_that_is_no_json_object_is_refused(tmp_path: Path, content: bytes):
    write_raw_adapter(tmp_path)
    (tmp_path / "adapter_config.json").write_bytes(content)
    with pytest.raises(AdapterError, match="its config is not"):
        read(tmp_path)


def with_tensor(name: str, tensor: torch.Tensor | None) -> dict[str, torch.Tensor]:
    tensors = factors()
    full = f"base_model.model.model.layers.3.self_attn.{name}"
    if tensor is None:
        del tensors[full]
    else:
        tensors[full] = tensor
    return tensors


@pytest.mark.parametrize(
    ("name", "tensor", "words"),
    [
        ("q_proj.lora_A.weight", torch.full((4, 16), float("nan")), "not a finite number in self_attn.q_proj"),
        ("q_proj.lora_B.weight", torch.full((16, 4), float("inf")), "not a finite number in self_attn.q_proj"),
        ("q_proj.lora_A.weight", torch.ones(3, 16), "its config says rank 4"),
        ("q_proj.lora_A.weight", torch.ones(4, 20), "made for 16 x 20 weights and the base has 16 x 16"),
        ("q_proj.lora_A.weight", torch.ones(4), "two dimensions"),
        ("q_proj.lora_A.weight", torch.ones(4, 16, dtype=torch.float64), "type 'F64'"),
        ("q_proj.lora_A.weight", None, "only lora_B"),
        ("q_proj.lora_B.weight", None, "only lora_A"),
        ("x_proj.lora_A.weight", torch.ones(4, 16), "only lora_A"),
        ("q_proj.lora_embedding_A", torch.ones(4, 16), "no factor of a plain LoRA"),
        ("q_proj.lora_magnitude_vector", torch.ones(4, 16), "no factor of a plain LoRA"),
        ("q_proj.lora_A.default.weight", torch.ones(4, 16), "no factor of a plain LoRA"),
        ("q_proj.weight", torch.ones(4, 16), "no factor of a plain LoRA"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(tmp_path: Path, name: str, tensor: torch.Tensor | None, words: str):
    with pytest.raises(AdapterError, match=words):
        read(write_raw_adapter(tmp_path, with_tensor(name, tensor)))


def test_a_module_that_the_base_lacks_is_refused(tmp_path: Path):
    shapes = {module: shape for module, shape in SHAPES.items() if ".layers.11." not in module}
    with pytest.raises(
        AdapterError, match=r"changes model.layers.11.self_attn.q_proj, which the base model does not have"
    ):
        read_adapter(write_raw_adapter(tmp_path), name="piqa", base_shapes=shapes)


@pytest.mark.parametrize("keep", [0, 5, 8, 9, 100, 5_000, -1])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: int):
    write_raw_adapter(tmp_path)
    content = (tmp_path / WEIGHTS).read_bytes()
    (tmp_path / WEIGHTS).write_bytes(content[:keep])
    with pytest.raises(AdapterError, match="the weights of adapter 'piqa' are refused"):
        read(tmp_path)


A_NAME = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"


def entry(**changes: object) -> dict[str, object]:
    return {"dtype": "F32", "shape": [4, 16], "data_offsets": [0, 256], **changes}


@pytest.mark.parametrize(
    ("header", "data", "words"),
    [
        (b"x" * 40, b"", "header is not valid"),
        (b"[" * 5_000, b"", "header is not valid"),
        ([1, 2], b"", "not a table of tensors"),
        ({A_NAME: 3}, b"", "not a table of tensors"),
        ({}, b"", "0 tensors"),
        ({"__metadata__": {}}, b"", "0 tensors"),
        ({f"{A_NAME}{i}": entry() for i in range(10_003)}, bytes(256), "more than 10,000 tensors"),
        (f'{{"{A_NAME}": {{}}, "{A_NAME}": {{}}}}'.encode(), b"", "occurs twice"),
        ({A_NAME: entry()}, bytes(255), "need 256 bytes and 255 are there"),
        ({A_NAME: entry()}, bytes(257), "need 256 bytes and 257 are there"),
        ({A_NAME: entry(data_offsets=[4, 260])}, bytes(260), "leaves a gap"),
        ({A_NAME: entry(), "b": entry()}, bytes(256), "overlaps another"),
        ({A_NAME: entry(data_offsets=[0, 252])}, bytes(252), "do not fit its shape"),
        ({A_NAME: entry(data_offsets=[256, 0])}, bytes(256), "do not fit its shape"),
        ({A_NAME: entry(shape=[-4, -16])}, bytes(256), "two dimensions"),
        ({A_NAME: entry(shape=[0, 16], data_offsets=[0, 0])}, b"", "two dimensions above 0"),
        ({A_NAME: entry(shape=[4.0, 16])}, bytes(256), "two dimensions"),
        ({A_NAME: entry(shape=[2**70, 2**70])}, bytes(256), "do not fit its shape"),
        ({A_NAME: entry(dtype=["F32"])}, bytes(256), "type \\['F32'\\]"),
    ],
    ids=lambda value: "" if isinstance(value, bytes | dict | list) else value,
)
def test_a_header_that_lies_is_refused_before_a_tensor_is_read(
    tmp_path: Path, header: object, data: bytes, words: str, monkeypatch
):
    monkeypatch.setattr("composer.bank.reading.load_tensors", lambda content: pytest.fail("tensors were read"))
    write_raw_adapter(tmp_path)
    raw_safetensors(tmp_path / WEIGHTS, header, data)
    with pytest.raises(AdapterError, match=words):
        read(tmp_path)


@pytest.mark.parametrize("length", [2**63, 4 * 1024 * 1024 + 1])
def test_a_header_beyond_4_mb_is_refused_before_it_is_read(tmp_path: Path, length: int):
    write_raw_adapter(tmp_path)
    raw_safetensors(tmp_path / WEIGHTS, b"{}" + bytes(100), length=length)
    os.truncate(tmp_path / WEIGHTS, 5 * 1024 * 1024)
    with pytest.raises(AdapterError, match="its header claims .* are allowed"):
        read(tmp_path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_flipped_bytes_give_an_error_of_ours_or_other_numbers_but_never_a_crash(tmp_path: Path, data: st.DataObject):
    write_raw_adapter(tmp_path)
    content = bytearray((tmp_path / WEIGHTS).read_bytes())
    for position in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=8)):
        content[position] ^= data.draw(st.integers(1, 255))
    (tmp_path / WEIGHTS).write_bytes(content)
    try:
        adapter = read(tmp_path)
    except AdapterError:
        return
    assert all(torch.isfinite(stack.a).all() for stack in adapter.stacks)


def test_weights_that_are_not_safetensors_are_never_opened(tmp_path: Path):
    write_raw_adapter(tmp_path)
    (tmp_path / WEIGHTS).unlink()
    (tmp_path / "adapter_model.bin").write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")
    with pytest.raises(AdapterError, match="adapter_model.bin is not read.*safe_serialization"):
        read(tmp_path)


def test_links_may_not_lead_out_of_the_folder(tmp_path: Path):
    outside = write_raw_adapter(tmp_path / "cache" / "blobs")
    inside = tmp_path / "cache" / "snapshots"
    inside.mkdir()
    for file in ("adapter_config.json", WEIGHTS):
        os.symlink(outside / file, inside / file)
    with pytest.raises(AdapterError, match="leads out of"):
        read(inside)
    assert read(inside, within=tmp_path / "cache").rank == 4


def test_a_folder_or_a_pipe_in_a_files_place_is_refused(tmp_path: Path):
    write_raw_adapter(tmp_path)
    (tmp_path / WEIGHTS).unlink()
    os.mkfifo(tmp_path / WEIGHTS)
    with pytest.raises(AdapterError, match="is not a file"):
        read(tmp_path)


def test_a_missing_folder_is_refused(tmp_path: Path):
    with pytest.raises(AdapterError, match="adapter_config.json cannot be read"):
        read(tmp_path / "nowhere")


@pytest.mark.parametrize("file", ["adapter_config.json", WEIGHTS])
def test_a_file_with_another_sha256_is_refused(tmp_path: Path, file: str):
    with pytest.raises(AdapterError, match=f"{file} has sha256 .*the bank says ffffffffffff"):
        read(write_raw_adapter(tmp_path), sha256={file: "f" * 64})
