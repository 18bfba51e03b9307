"""The base model: loaded once, frozen, in full precision or quantized, on a CPU or a GPU."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils.logging import disable_progress_bar

from composer.errors import BankError, InferenceError, unknown
from composer.inference.batched_lora import attach
from composer.inference.gguf import kept_as
from composer.inference.planning import CONFIG_ERRORS, check_room, plan_base
from composer.inference.precision import (
    QUANTIZATIONS,
    compute_dtype,
    quantization_on,
    weights_kept_as,
)
from composer.inference.prompts import prepare_tokenizer

disable_progress_bar()  # a bar for every small file hides our own progress

DEVICES = ("auto", "cpu", "cuda")
_LOADING_ERRORS = (*CONFIG_ERRORS, SafetensorError)

_Loaded = TypeVar("_Loaded")


@dataclass(frozen=True, eq=False)
class BaseModel:
    """A frozen language model that threads may share: nothing in it changes after loading."""

    name: str
    """The folder or Hub id it was loaded from."""
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    module_shapes: Mapping[str, tuple[int, int]]
    """Linear layer -> (out_features, in_features); what adapters may update."""
    quantization: str
    weight_format: str
    """How its weights are kept: nf4 or int8, a GGUF's own few-bit values such as Q4_1, else bf16, fp16 or fp32."""
    weight_bits: int
    """Of each weight, without the scales of few-bit formats."""
    device: torch.device
    dtype: torch.dtype
    """What the updates and the unquantized layers compute in."""
    max_tokens: int
    """Positions the model was made for: a prompt with one option must fit."""


def load_base(
    path_or_hub: str | Path,
    *,
    revision: str | None = None,
    quantization: str = "none",
    device: str = "auto",
    dtype: torch.dtype | None = None,
) -> BaseModel:
    """Safetensors only, code from a model's folder never; a local folder is read without the network.

    `dtype` defaults to bfloat16 where the device multiplies it, else float32; `auto` is nf4 on a GPU and none on a CPU.
    Raises BankError for missing or damaged files and
    InferenceError for a device or a quantization that cannot be had.
    """
    if quantization not in QUANTIZATIONS:
        raise InferenceError(unknown("quantization", quantization, QUANTIZATIONS))
    target = _device(device)
    quantization = quantization_on(target.type, quantization)
    dtype = dtype or compute_dtype(target.type)
    local = _check_folder(path_or_hub)
    if local:
        check_base(Path(path_or_hub), quantization=quantization, device=device, dtype=dtype)
    source: dict[str, Any] = {
        "pretrained_model_name_or_path": str(path_or_hub),
        "revision": revision,
        "local_files_only": local,
        "trust_remote_code": False,
    }
    tokenizer = prepare_tokenizer(_read("tokenizer", path_or_hub, lambda: AutoTokenizer.from_pretrained(**source)))
    model = _read("weights", path_or_hub, lambda: _load_model(source, quantization, target, dtype))
    _check_finite(model, path_or_hub)
    _settle(model, quantization)
    weight_format, weight_bits = weights_kept_as(quantization, dtype, kept_as(Path(path_or_hub)))
    return BaseModel(
        name=str(path_or_hub),
        model=model,
        tokenizer=tokenizer,
        module_shapes=attach(model),
        quantization=quantization,
        weight_format=weight_format,
        weight_bits=weight_bits,
        device=target,
        dtype=dtype,
        max_tokens=_max_tokens(model, path_or_hub),
    )


def check_base(
    folder: Path, *, quantization: str = "none", device: str = "auto", dtype: torch.dtype | None = None
) -> None:
    """Whether the base of `folder`/config.json can run here, before its weights are fetched or loaded.

    Raises InferenceError for a device or memory that is not there, BankError for a config that is no model's.
    """
    target = _device(device)
    plan = plan_base(folder, quantization_on(target.type, quantization), target.type, dtype)
    check_room(plan, target, chosen=device != "auto")


def _device(asked: str) -> torch.device:
    if asked not in DEVICES:
        raise InferenceError(unknown("device", asked, DEVICES))
    if asked == "cuda" and not torch.cuda.is_available():
        raise InferenceError("the device 'cuda' was asked for, but torch sees no GPU. Use 'auto' or 'cpu'.")
    return torch.device("cuda" if asked != "cpu" and torch.cuda.is_available() else "cpu")


def _check_folder(path_or_hub: str | Path) -> bool:
    """True for a complete local folder, False for a Hub id. Raises BankError for a missing or incomplete folder."""
    folder, text = Path(path_or_hub), str(path_or_hub)
    if not folder.is_dir():
        if isinstance(path_or_hub, Path) or folder.is_absolute() or text.startswith(".") or text.count("/") != 1:
            raise BankError(f"the base model's folder {text!r} does not exist. Check `base` in bank.toml.")
        return False
    for pattern in ("config.json", "tokenizer.json", "*.safetensors"):
        if not any(folder.glob(pattern)):
            raise BankError(
                f"the base model's folder {text!r} holds no {pattern}. Restore the file or rebuild the bank."
            )
    return True


def _read(what: str, path_or_hub: str | Path, load: Callable[[], _Loaded]) -> _Loaded:
    """The libraries' many exceptions for files that are missing or damaged, as one sentence."""
    try:
        return load()
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise InferenceError(
            f"the memory ran out while the base model's {what} in {str(path_or_hub)!r} were loaded. Close what else "
            "uses it, or use a smaller base."
        ) from error
    except _LOADING_ERRORS as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise BankError(
            f"the base model's {what} in {str(path_or_hub)!r} could not be read: {reason.rstrip('.')}. "
            "Restore the files or rebuild the bank."
        ) from error


def _load_model(source: dict[str, Any], quantization: str, device: torch.device, dtype: torch.dtype) -> PreTrainedModel:
    loaded: Any = AutoModelForCausalLM.from_pretrained(
        **source,
        use_safetensors=True,
        dtype=dtype,
        device_map={"": str(device)},
        # a folder's config may name an attention kernel on the Hub; this keeps it to torch's own
        attn_implementation="sdpa",
        quantization_config=_quantization_config(quantization, dtype),
        output_loading_info=True,
    )
    model, report = loaded
    if report["missing_keys"]:  # transformers fills these with random numbers and goes on
        raise ValueError(
            f"the weights lack {sorted(report['missing_keys'])[0]} (of {len(report['missing_keys'])} missing)"
        )
    return model.eval().requires_grad_(False)


def _quantization_config(quantization: str, dtype: torch.dtype) -> BitsAndBytesConfig | None:
    if quantization == "none":
        return None
    if quantization == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def _check_finite(model: PreTrainedModel, path_or_hub: str | Path) -> None:
    for name, weight in model.named_parameters():
        if weight.is_floating_point() and not torch.isfinite(weight).all():
            raise BankError(
                f"the base model's weights in {str(path_or_hub)!r} are damaged: {name} holds values that are not "
                "finite. Restore the files or rebuild the bank."
            )


def _settle(model: PreTrainedModel, quantization: str) -> None:
    """Make quantized layers do now what their first forward would: change the weights that threads will share."""
    if quantization == "none":
        return
    for module in model.modules():
        # On CPUs with AVX512-BF16, bitsandbytes repacks a layer's weights in its first forward, without a lock, and
        # computes in bfloat16 from then on, for output sizes that are a multiple of 32 only. Off, it keeps the weights
        # as they are, computes in float32, and takes layers of any size.
        if hasattr(module, "support_avx512bf16_for_cpu"):
            setattr(module, "support_avx512bf16_for_cpu", False)  # noqa: B010 - unknown to nn.Module's types
    # one line per layer and forward otherwise, about a cast that is meant
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
    try:
        with torch.inference_mode():
            model(input_ids=torch.zeros(1, 1, dtype=torch.long, device=model.device), use_cache=False)
    except (RuntimeError, AssertionError, ValueError, NotImplementedError) as error:
        raise InferenceError(
            f"bitsandbytes cannot run this model as {quantization} here: {str(error).rstrip('.')}. "
            "Use quantization 'none' or another model."
        ) from error


def _max_tokens(model: PreTrainedModel, path_or_hub: str | Path) -> int:
    found = getattr(model.config, "max_position_embeddings", None)
    if not isinstance(found, int) or found < 1:
        raise BankError(
            f"config.json in {str(path_or_hub)!r} names no max_position_embeddings. Only Llama-like models work."
        )
    return found
