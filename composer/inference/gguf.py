"""A base model that is one GGUF file, read once: safetensors and tokenizer.json in the cache from then on.

The conversion unpacks the file's few-bit weights to fp16: what they hold is 4 bits and a scale of 16, so nothing that
matters is lost, and the file on disk is half of fp32's.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from tokenizers.pre_tokenizers import ByteLevel, Digits, PreTokenizer, Sequence
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedTokenizerBase,
    modeling_gguf_pytorch_utils,
)
from transformers.utils.logging import disable_progress_bar

from composer.bank.sources import BASE_FILES, Source, file_of, folder_of, sha256_of
from composer.errors import BankError
from composer.heap import give_back_free_memory

Say = Callable[[str], None]
"""Told what is being done, in a few words."""

RECORD_FILE = "converted.json"
VERSION = 1
"""Of what this module writes: another number converts anew."""
_BYTES_PER_BYTE = 4
"""Of free disk that a conversion needs, by the size of its file: 4 bits become 16."""
_GGUF_ERRORS = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    RuntimeError,
    ImportError,
    IndexError,
    struct.error,
)


def base_folder(source: Source, cache_dir: Path, *, fetch: bool = True, say: Say | None = None) -> Path:
    """The base's config, tokenizer and safetensors: as they lie, or as converted from its GGUF. Raises BankError."""
    if source.file is None:
        folder, _ = folder_of(source, BASE_FILES, fetch=fetch)
        return folder
    return converted(file_of(source, fetch=fetch), dict(source.sha256)[source.file], cache_dir, say)


def config_folder(source: Source, cache_dir: Path, *, fetch: bool = True, say: Say | None = None) -> Path:
    """Where the base's config.json is, without fetching its weights where they are not here. Raises BankError."""
    if source.file is None:
        return folder_of(source, ("config.json",), fetch=fetch)[0]
    return base_folder(source, cache_dir, fetch=fetch, say=say)


def converted(gguf: Path, sha256: str, cache_dir: Path, say: Say | None = None) -> Path:
    """A folder that transformers loads. Made once and moved into place whole; its files' sha256 are checked each time.

    A conversion that was killed leaves nothing that counts, and one whose files were changed is made anew. Of several
    processes that ask at once, one converts and the others wait for it. Raises BankError.
    """
    folder = cache_dir / "base" / f"{gguf.stem}-{sha256[:12]}"
    if _is_whole(folder, sha256):
        return folder
    if say:
        say(f"Reading {gguf.name} once ({gguf.stat().st_size / 1e6:.0f} MB); later starts take the copy in the cache")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folder.with_name(f"{folder.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _is_whole(folder, sha256):  # another process may have been faster
                _make(gguf, sha256, folder)
    except (OSError, SafetensorError) as error:
        raise _cannot_write(folder, error) from error
    return folder


def _make(gguf: Path, sha256: str, folder: Path) -> None:
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of a process that was killed
    try:
        _check_space(gguf, folder.parent)
        part.mkdir()
        _convert(gguf, part)
        _record(part, sha256, _stored_as(gguf))
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _is_whole(folder: Path, sha256: str) -> bool:
    try:
        record = json.loads((folder / RECORD_FILE).read_text(encoding="utf-8"))
        return (
            record["version"] == VERSION
            and record["gguf_sha256"] == sha256
            and isinstance(record["stored_as"], str)
            and all(sha256_of(folder / name) == expected for name, expected in record["files"].items())
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _record(folder: Path, sha256: str, stored: str) -> None:
    files = {path.name: sha256_of(path) for path in sorted(folder.iterdir())}
    record = {"version": VERSION, "gguf_sha256": sha256, "stored_as": stored, "files": files}
    (folder / RECORD_FILE).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _check_space(gguf: Path, cache_dir: Path) -> None:
    if shutil.disk_usage(cache_dir).free < _BYTES_PER_BYTE * gguf.stat().st_size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _cannot_write(folder: Path, error: OSError | SafetensorError) -> BankError:
    reason = getattr(error, "strerror", None) or error
    return BankError(
        f"the base model cannot be written to {folder} ({reason}). Free some space, or set COMPOSER_CACHE to a folder "
        "on a larger disk."
    )


def _convert(gguf: Path, folder: Path) -> None:
    disable_progress_bar()
    place: dict[str, Any] = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    try:
        with _without_bar():
            model = AutoModelForCausalLM.from_pretrained(**place, dtype=torch.float32, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(**place, local_files_only=True)
    except _GGUF_ERRORS as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise BankError(f"{gguf.name} cannot be read as a model: {reason}. Choose another file.") from error
    # transformers refuses to save a model that it calls quantized, though its weights were unpacked
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.hf_quantizer = None  # type: ignore[assignment]
    vars(model)["is_quantized"] = False
    model.half().save_pretrained(folder, max_shard_size="10GB")
    set_pre_tokenizer(tokenizer, pre_tokenizer_named(gguf))
    tokenizer.save_pretrained(folder)
    del model
    give_back_free_memory()


@contextmanager
def _without_bar() -> Iterator[None]:
    """transformers draws this one bar even where its bars are off."""
    bar = modeling_gguf_pytorch_utils.tqdm
    vars(modeling_gguf_pytorch_utils)["tqdm"] = partial(bar, disable=True)
    try:
        yield
    finally:
        vars(modeling_gguf_pytorch_utils)["tqdm"] = bar


def kept_as(folder: Path) -> str | None:
    """How the GGUF that the folder was converted from holds its weights, such as Q4_1; None for any other folder."""
    try:
        return str(json.loads((folder / RECORD_FILE).read_text(encoding="utf-8"))["stored_as"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _stored_as(gguf: Path) -> str:
    """The format of most of the file's weights; a few tensors, such as norms, have others."""
    from gguf import GGUFReader

    weights: Counter[str] = Counter()
    for tensor in GGUFReader(str(gguf)).tensors:
        weights[tensor.tensor_type.name] += int(tensor.n_elements)
    return weights.most_common(1)[0][0]


def pre_tokenizer_named(gguf: Path) -> str:
    """`tokenizer.ggml.pre`: how the text is cut before byte pairs are merged."""
    from gguf import GGUFReader

    field = GGUFReader(str(gguf)).fields.get("tokenizer.ggml.pre")
    return str(field.contents()) if field is not None else "default"


def set_pre_tokenizer(tokenizer: PreTrainedTokenizerBase, name: str) -> None:
    """transformers' reader gives every GGUF the cut of GPT-2; the SmolLM family's takes digits one by one first."""
    if name in PRE_TOKENIZERS:
        tokenizer.backend_tokenizer.pre_tokenizer = PRE_TOKENIZERS[name]()


def _smollm() -> PreTokenizer:
    return Sequence([Digits(individual_digits=True), ByteLevel(add_prefix_space=False, use_regex=True)])


PRE_TOKENIZERS: dict[str, Callable[[], PreTokenizer]] = {"smollm": _smollm}
