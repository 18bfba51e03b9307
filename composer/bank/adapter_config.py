"""What an adapter_config.json may say. It is input from strangers: what we cannot represent exactly is refused by name.

A config can rewrite the shared base (init_lora_weights: pissa), grow it (layer_replication), hang on a pattern
(rank_pattern) or reserve memory before anything is checked (r). So it is read as plain JSON and never handed to PEFT.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from composer.errors import AdapterError

MAX_CONFIG_BYTES = 256_000
MAX_RANK = 512
MAX_ALPHA = 1e6

_USED = frozenset({"peft_type", "r", "lora_alpha", "bias", "init_lora_weights"})
# Notes on where an adapter comes from and how it was trained; the update of its stored factors does not depend on them.
_WITHOUT_EFFECT = frozenset(
    {
        "alora_invocation_string",
        "auto_mapping",
        "base_model_name_or_path",
        "exclude_modules",
        "inference_mode",
        "layers_pattern",
        "layers_to_transform",
        "lora_dropout",
        "megatron_config",
        "megatron_core",
        "peft_version",
        "qalora_group_size",
        "revision",
        "runtime_config",
        "target_modules",
        "task_type",
    }
)
_KINDS = {
    "use_dora": "DoRA",
    "use_rslora": "rsLoRA",
    "use_qalora": "QALoRA",
    "use_bdlora": "block-diagonal LoRA",
    "lora_bias": "trained biases (lora_bias)",
    "rank_pattern": "ranks that differ by module (rank_pattern)",
    "alpha_pattern": "alphas that differ by module (alpha_pattern)",
    "modules_to_save": "whole retrained modules (modules_to_save)",
    "layer_replication": "replicated layers (layer_replication)",
    "fan_in_fan_out": "transposed weights (fan_in_fan_out)",
    "trainable_token_indices": "retrained tokens (trainable_token_indices)",
    "target_parameters": "updates of bare parameters (target_parameters)",
    "alora_invocation_tokens": "activated LoRA (alora_invocation_tokens)",
}
# These only set where training starts; every other value also changes the base's own weights.
_HARMLESS_INITS: tuple[object, ...] = (True, False, None, "gaussian")


@dataclass(frozen=True)
class LoraShape:
    rank: int
    alpha: float

    @property
    def scaling(self) -> float:
        return self.alpha / self.rank


def parse_config(content: bytes, name: str) -> LoraShape:
    """`content` of adapter_config.json. Raises AdapterError, naming what it asks for, where it is not a plain LoRA."""
    config = _json(content, name)
    if config.get("peft_type") != "LORA":
        raise AdapterError(f"adapter {name!r} is of type {_short(config.get('peft_type'))}; only LORA is supported.")
    _refuse_variants(config, name)
    return LoraShape(_rank(config.get("r"), name), _alpha(config.get("lora_alpha"), name))


def base_named(content: bytes) -> str | None:
    """What a config says its base is. Anyone can write anything there, so it is only for a note."""
    found = _json(content, "").get("base_model_name_or_path")
    return found if isinstance(found, str) else None


def _json(content: bytes, name: str) -> dict[str, Any]:
    try:
        config = json.loads(content) if len(content) <= MAX_CONFIG_BYTES else None
    except (ValueError, RecursionError) as error:
        raise AdapterError(
            f"adapter {name!r}: its config is not valid JSON ({error}). Fetch or export it again."
        ) from error
    if not isinstance(config, dict):
        raise AdapterError(
            f"adapter {name!r}: its config is not a JSON object of at most 256 kB. Fetch or export it again."
        )
    return config


def _refuse_variants(config: Mapping[str, Any], name: str) -> None:
    init = config.get("init_lora_weights")
    if not any(init is harmless or (isinstance(init, str) and init == harmless) for harmless in _HARMLESS_INITS):
        raise AdapterError(
            f"adapter {name!r} uses init_lora_weights {_short(init)}, which can change the base model's own weights. "
            "Convert it to a plain LoRA first."
        )
    if config.get("bias", "none") != "none":
        raise AdapterError(
            f"adapter {name!r} uses bias {_short(config['bias'])}; only 'none' is supported. Train it without biases."
        )
    for key in sorted(set(config) - _USED - _WITHOUT_EFFECT):
        # Off is spelled null, false, {} or []; 0 is left in for `use_*: 0`.
        if config[key]:
            kind = _KINDS.get(key, f"the option {_short(key)}")
            raise AdapterError(f"adapter {name!r} uses {kind}, which is not supported. Use a plain LoRA.")


def _short(value: object) -> str:
    """A stranger's value in a sentence for a person."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


def _rank(rank: object, name: str) -> int:
    if isinstance(rank, bool) or not isinstance(rank, int) or not 1 <= rank <= MAX_RANK:
        raise AdapterError(
            f"adapter {name!r} has rank {_short(rank)}; a whole number from 1 to {MAX_RANK} is supported."
        )
    return rank


def _alpha(alpha: object, name: str) -> float:
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not 0 < alpha <= MAX_ALPHA:
        raise AdapterError(
            f"adapter {name!r} has lora_alpha {_short(alpha)}; a number above 0 and at most {MAX_ALPHA:g} is needed."
        )
    return float(alpha)
