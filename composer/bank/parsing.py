"""A bank.toml's tables as a `Bank`. What is wrong is refused by name; what is not written down yet stays empty."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from composer.bank.description import PLACEHOLDER, Bank, ShippedFile
from composer.bank.schema import Table, is_inside
from composer.bank.sources import WEIGHTS, Source
from composer.config import RetrievalSettings, ScoreSettings
from composer.errors import SettingsError, unknown
from composer.routing.kernels import kernel_named
from composer.tasks import TASKS

QUANTIZATIONS = ("none", "nf4", "int8", "auto")
ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")
_KEYS = (
    "title",
    "description",
    "base",
    "prompt",
    "encoder",
    "retrieval",
    "score",
    "examples",
    "evaluation",
    "training",
    "adapters",
    "files",
)


def parse_bank(folder: Path, values: dict[str, Any], where: str) -> Bank:
    top = Table(values, where, _KEYS)
    base = top.table(
        "base", ("path", "package", "version", "hub", "revision", "file", "model", "quantization", "sha256")
    )
    adapters = top.table("adapters", None)
    if not adapters.values:
        raise adapters.error("no adapter is named. Add a table [adapters.<task>] for each.")
    examples = _examples(folder, top.table("examples", ("path", "sha256", "datasets")))
    if examples is None:
        _check_tasks(adapters)
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
        examples=examples,
        evaluation=_evaluation(folder, top),
        adapters=tuple((task, _adapter_source(folder, adapters, task)) for task in sorted(adapters.values)),
        files=_other_files(folder, top.table("files", None, required=False)),
        recipe=top.table("training", ("recipe",), required=False).text("recipe", default="") or None,
        score=_score(top.table("score", ("normalization",), required=False)),
        base_model=base.hub("model") if "model" in base.values else None,
    )


def _check_tasks(adapters: Table) -> None:
    """Rows of the Hub's data sets are known for our tasks only."""
    for task in adapters.values:
        if task not in TASKS:
            raise adapters.error(unknown("task", task, TASKS))


def _base_source(folder: Path, table: Table) -> Source:
    if "file" in table.values:
        return _base_file(table)
    if "package" in table.values:
        raise table.error('a package carries one file for the base. Add file = "…" and its sha256.')
    if table.one_of("path", "hub") == "hub":
        return Source(hub=table.hub(), revision=table.revision(), sha256=table.sha256s())
    # A base of gigabytes may lie elsewhere on the machine; only an absolute path says so on purpose.
    path = Path(table.text("path"))
    if path.is_absolute():
        return Source(path, sha256=table.sha256s())
    return _shipped_folder(folder, table)


def _base_file(table: Table) -> Source:
    """A GGUF: in a package, on the Hub, or in both places."""
    name = table.text("file")
    if Path(name).name != name or not name.endswith(".gguf"):
        raise table.error(f"file is {name!r}; it must be the name of a GGUF file, without a folder.")
    if not {"package", "hub"} & set(table.values):
        raise table.error('the file is nowhere. Give package = "…", or hub = "owner/name" with a revision.')
    return Source(
        package=table.text("package") if "package" in table.values else None,
        version=table.text("version") if "version" in table.values else None,
        hub=table.hub() if "hub" in table.values else None,
        revision=table.revision(),
        file=name,
        sha256=((name, table.sha256("sha256")),),
    )


def _shipped_folder(folder: Path, table: Table) -> Source:
    path, sha256s = table.inside(folder), table.sha256s()
    for name, _ in sha256s:
        if not is_inside(folder, path / name):
            raise table.error(f"the file {name!r} leads out of the bank's folder. Give a path inside of it.")
    return Source(path, sha256=sha256s)


def _adapter_source(folder: Path, adapters: Table, task: str) -> Source:
    table = adapters.table(task, ("path", "hub", "revision", "sha256", "train"))
    train = table.flag("train")
    if table.one_of("path", "hub") == "hub":
        if train:
            raise table.error("train = true is for a folder that `composer train` fills. Give it a path, not a Hub id.")
        return Source(hub=table.hub(), revision=table.revision(), sha256=table.sha256s())
    source = _shipped_folder(folder, table)
    named = {name for name, _ in source.sha256}
    lacking = sorted(set(ADAPTER_FILES) - named)
    if named and lacking:
        raise table.error(f"the sha256 of {lacking[0]} is missing. Add it to the table sha256.")
    return replace(source, train=train)


def _template(table: Table) -> str:
    template = table.text("template")
    if template.count(PLACEHOLDER) != 1:
        raise table.error(f"template holds {PLACEHOLDER} {template.count(PLACEHOLDER)} times; exactly once is needed.")
    return template


def _encoder(folder: Path, table: Table) -> Source:
    kind = table.one_of("package", "path", "hub")
    sha256 = table.sha256("sha256")
    return Source(
        path=table.inside(folder) if kind == "path" else None,
        package=table.text("package") if kind == "package" else None,
        hub=table.hub() if kind == "hub" else None,
        revision=table.revision() if kind == "hub" else None,
        file=WEIGHTS,
        sha256=((WEIGHTS, sha256),) if sha256 else (),
    )


def _retrieval(table: Table) -> RetrievalSettings:
    try:
        settings = RetrievalSettings(**table.values)
        kernel_named(settings.kernel)
    except SettingsError as error:
        raise table.error(str(error)) from error
    return settings


def _score(table: Table) -> ScoreSettings:
    try:
        return ScoreSettings(**table.values)
    except SettingsError as error:
        raise table.error(str(error)) from error


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


def _other_files(folder: Path, table: Table) -> tuple[ShippedFile, ...]:
    for name in table.values:
        if not is_inside(folder, folder / name):
            raise table.error(f"{name!r} leads out of the bank's folder. Give a path inside of it.")
    return tuple(ShippedFile(folder / name, table.sha256(name)) for name in sorted(table.values))
