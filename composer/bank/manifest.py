"""A bank as its bank.toml describes it: its parts, and what every shipped file hashes to. No torch, no network."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from composer.bank.schema import Table, is_inside
from composer.config import ADAPTERS, RetrievalSettings
from composer.errors import BankError, SettingsError, unknown
from composer.routing.kernels import kernel_named

BANK_FILE = "bank.toml"
QUANTIZATIONS = ("none", "nf4", "int8")
PLACEHOLDER = "{prompt}"
ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")


@dataclass(frozen=True)
class Source:
    """A folder of files: on this machine, or on the Hub at a commit."""

    path: Path | None
    hub: str | None
    revision: str | None
    sha256: tuple[tuple[str, str], ...]
    """(file name within the folder, sha256), sorted; complete where the folder ships with the bank."""


@dataclass(frozen=True)
class EncoderSource:
    location: str
    """What `Encoder` takes: a package's name, a folder or a Hub id."""
    revision: str | None
    sha256: str
    """Of the encoder's model.safetensors."""


@dataclass(frozen=True)
class ShippedFile:
    path: Path
    sha256: str


@dataclass(frozen=True)
class Bank:
    """Everything that one demo needs. Read by `load_bank`."""

    name: str
    folder: Path
    title: str
    description: str
    base: Source
    quantization: str
    """`none`, `nf4` or `int8`"""
    prompt_template: str
    """Holds `{prompt}` exactly once."""
    encoder: EncoderSource
    retrieval: RetrievalSettings
    examples: ShippedFile | None
    """None where they come from the tasks' Hub data sets."""
    evaluation: ShippedFile | None
    """The bank's own test rows, in the format of the examples; their vectors may be missing."""
    adapters: tuple[tuple[str, Source], ...]
    """(task, where its adapter is), sorted by task"""
    files: tuple[ShippedFile, ...]
    """What else ships, such as the positions of the neighbour map."""

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(task for task, _ in self.adapters)

    @property
    def base_name(self) -> str:
        """How an adapter's config names the base: its Hub id, or bank and folder. Never a path of one machine."""
        return self.base.hub or f"{self.name}/{self.base.path.name if self.base.path else ''}"

    def adapter(self, task: str) -> Source:
        """Raises BankError, with the nearest name, for a task without an adapter."""
        for name, source in self.adapters:
            if name == task:
                return source
        raise BankError(unknown(f"adapter in the bank {self.name!r}:", task, self.tasks))

    def prompt(self, text: str) -> str:
        """A task's prompt in the form that this bank's adapters were trained on."""
        return self.prompt_template.replace(PLACEHOLDER, text)

    def verify(self) -> None:
        """Raises BankError for the first shipped file that differs from bank.toml. Each is hashed once per process."""
        for shipped in self.shipped():
            if sha256_of(shipped.path) != shipped.sha256:
                name = shipped.path.relative_to(self.folder) if is_inside(self.folder, shipped.path) else shipped.path
                raise BankError(
                    f"{name} of the bank {self.name!r} is not the file that its bank.toml describes: it is damaged "
                    "or was changed. Restore it, or rebuild the bank."
                )

    def shipped(self) -> tuple[ShippedFile, ...]:
        """Every file on this machine that bank.toml gives a sha256 for."""
        folders = [
            source for source in (self.base, *(source for _, source in self.adapters)) if source.path is not None
        ]
        inside = [
            ShippedFile(source.path / name, sha) for source in folders for name, sha in source.sha256 if source.path
        ]
        single = [shipped for shipped in (self.examples, self.evaluation, *self.files) if shipped is not None]
        return tuple(inside + single)


def load_bank(name_or_path: str | Path, *, verify: bool = True, banks: Path = ADAPTERS) -> Bank:
    """A bank by its name among `banks`, or by its folder. Raises BankError: unknown, malformed, incomplete or (with
    `verify`) tampered with."""
    folder = _folder(name_or_path, banks)
    where = f"{folder.name}/{BANK_FILE}"
    try:
        values = tomllib.loads((folder / BANK_FILE).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BankError(f"{where} is not valid TOML: {error}. Correct it there.") from error
    except OSError as error:
        raise BankError(f"{where} cannot be read: {error}. Check the file's permissions.") from error
    bank = _bank(folder, values, where)
    _check_present(bank)
    if verify:
        bank.verify()
    return bank


def bank_names(banks: Path = ADAPTERS) -> tuple[str, ...]:
    return tuple(sorted(path.parent.name for path in banks.glob(f"*/{BANK_FILE}")))


def sha256_of(path: Path) -> str:
    """Remembered for as long as the file's size and time of change stay as they are."""
    stat = path.stat()
    return _hashed(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4_096)
def _hashed(path: Path, mtime_ns: int, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _folder(name_or_path: str | Path, banks: Path) -> Path:
    path = Path(name_or_path)
    by_name = isinstance(name_or_path, str) and path.name == name_or_path and name_or_path not in ("", ".", "..")
    if by_name and (banks / name_or_path / BANK_FILE).is_file():
        return banks / name_or_path
    if (path / BANK_FILE).is_file():
        return path.resolve()
    if by_name:
        names = bank_names(banks)
        if not names:
            raise BankError(
                f"there is no bank {name_or_path!r}, and none at all in {banks}. Build one with `make bank`."
            )
        raise BankError(unknown("bank", str(name_or_path), names))
    raise BankError(
        f"there is no {BANK_FILE} in {path}. Give a bank's folder, or one of: {', '.join(bank_names(banks))}."
    )


def _bank(folder: Path, values: dict[str, Any], where: str) -> Bank:
    keys = (
        "title",
        "description",
        "base",
        "prompt",
        "encoder",
        "retrieval",
        "examples",
        "evaluation",
        "adapters",
        "files",
    )
    top = Table(values, where, keys)
    base = top.table("base", ("path", "hub", "revision", "quantization", "sha256"))
    adapters = top.table("adapters", None)
    if not adapters.values:
        raise adapters.error("no adapter is named. Add a table [adapters.<task>] for each.")
    return Bank(
        name=folder.name,
        folder=folder,
        title=top.text("title"),
        description=top.text("description", default=""),
        base=_base_source(folder, base),
        quantization=base.choice("quantization", QUANTIZATIONS, "none"),
        prompt_template=_template(top.table("prompt", ("template",))),
        encoder=_encoder(folder, top.table("encoder", ("package", "path", "hub", "revision", "sha256"))),
        retrieval=_retrieval(top.table("retrieval", ("top_k", "top_p", "kernel"), required=False)),
        examples=_examples(folder, top.table("examples", ("path", "sha256", "datasets"))),
        evaluation=_evaluation(folder, top),
        adapters=tuple((task, _adapter_source(folder, adapters, task)) for task in sorted(adapters.values)),
        files=tuple(_other_file(folder, name, sha) for name, sha in _other_files(top)),
    )


def _base_source(folder: Path, table: Table) -> Source:
    if table.one_of("path", "hub") == "hub":
        return Source(None, table.hub(), table.revision(), table.sha256s(required=False))
    # A base of gigabytes may lie elsewhere on the machine; only an absolute path says so on purpose.
    path = Path(table.text("path"))
    if path.is_absolute():
        return Source(path, None, None, table.sha256s(required=False))
    return _shipped_folder(folder, table)


def _shipped_folder(folder: Path, table: Table) -> Source:
    path, sha256s = table.inside(folder), table.sha256s(required=True)
    for name, _ in sha256s:
        if not is_inside(folder, path / name):
            raise table.error(f"the file {name!r} leads out of the bank's folder. Give a path inside of it.")
    return Source(path, None, None, sha256s)


def _adapter_source(folder: Path, adapters: Table, task: str) -> Source:
    table = adapters.table(task, ("path", "hub", "revision", "sha256"))
    if table.one_of("path", "hub") == "hub":
        return Source(None, table.hub(), table.revision(), table.sha256s(required=False))
    source = _shipped_folder(folder, table)
    lacking = sorted(set(ADAPTER_FILES) - {name for name, _ in source.sha256})
    if lacking:
        raise table.error(f"the sha256 of {lacking[0]} is missing. Add it to the table sha256.")
    return source


def _template(table: Table) -> str:
    template = table.text("template")
    if template.count(PLACEHOLDER) != 1:
        raise table.error(f"template holds {PLACEHOLDER} {template.count(PLACEHOLDER)} times; exactly once is needed.")
    return template


def _encoder(folder: Path, table: Table) -> EncoderSource:
    kind = table.one_of("package", "path", "hub")
    if kind == "hub":
        return EncoderSource(table.hub(), table.revision(), table.sha256("sha256"))
    location = str(table.inside(folder)) if kind == "path" else table.text("package")
    return EncoderSource(location, None, table.sha256("sha256"))


def _retrieval(table: Table) -> RetrievalSettings:
    try:
        settings = RetrievalSettings(**table.values)
        kernel_named(settings.kernel)
    except SettingsError as error:
        raise table.error(str(error)) from error
    return settings


def _examples(folder: Path, table: Table) -> ShippedFile | None:
    if table.one_of("path", "datasets") == "path":
        return ShippedFile(table.inside(folder), table.sha256("sha256"))
    if table.values["datasets"] is not True:
        raise table.error("datasets must be true where it is given. Else give path and sha256.")
    return None


def _evaluation(folder: Path, top: Table) -> ShippedFile | None:
    if "evaluation" not in top.values:
        return None
    table = top.table("evaluation", ("path", "sha256"))
    return ShippedFile(table.inside(folder), table.sha256("sha256"))


def _other_files(top: Table) -> tuple[tuple[str, str], ...]:
    table = top.table("files", None, required=False)
    return tuple((name, table.sha256(name)) for name in sorted(table.values))


def _other_file(folder: Path, name: str, sha256: str) -> ShippedFile:
    if not is_inside(folder, folder / name):
        raise BankError(f"[files] of the bank {folder.name!r}: {name!r} leads out of the bank's folder.")
    return ShippedFile(folder / name, sha256)


def _check_present(bank: Bank) -> None:
    for shipped in bank.shipped():
        if not shipped.path.is_file():
            raise BankError(f"the bank {bank.name!r} lacks its file {shipped.path}. Restore it, or rebuild the bank.")
    base = bank.base.path
    if base is None or not is_inside(bank.folder, base):
        return
    # Transformers reads what it finds: an adapter or code laid beside the weights would be loaded with them.
    named = {base / name for name, _ in bank.base.sha256}
    extra = sorted(p for p in base.rglob("*") if p.is_file() and p not in named and not p.name.startswith("."))
    if extra:
        raise BankError(
            f"the base model's folder of the bank {bank.name!r} holds {extra[0].relative_to(base)}, which its "
            "bank.toml does not name. Remove it, or add its sha256."
        )
