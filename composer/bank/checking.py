"""What `bank check` finds: all that would keep a bank, or one adapter, from being used, and not only the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from composer.bank.adapter_config import base_named
from composer.bank.examples import read_examples
from composer.bank.manifest import ADAPTER_FILES, Bank, sha256_of
from composer.bank.reading import BaseShapes, read_adapter
from composer.bank.sources import folder_of
from composer.errors import AdapterError, BankError, ComposerError
from composer.merging.factors import AdapterFactors

Progress = Callable[[int, int], None]


@dataclass
class Findings:
    faults: list[str] = field(default_factory=list)
    """Each keeps the bank from being used; with its remedy."""
    notes: list[str] = field(default_factory=list)
    """Good to know, such as what could not be checked here."""
    checked: list[str] = field(default_factory=list)
    """The adapters that were read whole."""


def check_bank(
    bank: Bank, base_shapes: BaseShapes | None, *, fetch: bool = False, progress: Progress | None = None
) -> Findings:
    """Reads every adapter that is here (with `fetch`, that can be had). Without `base_shapes`, not against the base."""
    found = Findings()
    if bank.unpinned:
        found.faults.append(
            f"not pinned: {', '.join(bank.unpinned)}. Run `python -m composer bank pin {bank.reference}`, which writes "
            "down the commits and sha256."
        )
    if bank.untrained:
        found.faults.append(
            f"not trained yet: {', '.join(bank.untrained)}. "
            f"Run `python -m composer train --bank {bank.reference} --task all`."
        )
    found.faults.extend(_other_tasks(bank))
    for done, (task, source) in enumerate(bank.adapters, start=1):
        if not source.missing:
            _check_adapter(bank, task, base_shapes, fetch, found)
        if progress is not None:
            progress(done, len(bank.adapters))
    return found


def _check_adapter(bank: Bank, task: str, base_shapes: BaseShapes | None, fetch: bool, found: Findings) -> None:
    source = bank.adapter(task)
    try:
        folder, within = folder_of(source, ADAPTER_FILES, fetch=fetch)
    except BankError as error:
        (found.faults if fetch else found.notes).append(f"adapters.{task}: {error}")
        return
    try:
        read_adapter(folder, name=task, base_shapes=base_shapes, sha256=dict(source.sha256), within=within)
    except AdapterError as error:
        found.faults.append(str(error))
    else:
        found.checked.append(task)


def _other_tasks(bank: Bank) -> Iterator[str]:
    """Examples lead to adapters: those of a task without one would end a question in an error."""
    if bank.examples is None:
        return
    try:
        tasks = set(read_examples(bank.examples.path).tasks)
    except ComposerError as error:
        yield str(error)
        return
    for task in sorted(tasks - set(bank.tasks)):
        yield f"the examples hold rows of {task}, which has no adapter. Add one, or leave the rows out."
    for task in sorted(set(bank.tasks) - tasks):
        yield f"the examples hold no row of {task}, so its adapter can never be chosen. Add rows, or leave it out."


def check_adapter(folder: Path, bank: Bank, base_shapes: BaseShapes | None) -> tuple[AdapterFactors, list[str]]:
    """An adapter's folder as one of the bank would be, and notes on it. Raises AdapterError."""
    factors = read_adapter(folder, name=folder.resolve().name, base_shapes=base_shapes)
    named = base_named((folder / ADAPTER_FILES[0]).read_bytes())
    notes = []
    if named and named != bank.base_name:
        notes.append(f"its config names the base {named!r}, and the bank's is {bank.base_name!r}; their shapes agree.")
    return factors, notes


def hashes_of(folder: Path) -> dict[str, str]:
    """As bank.toml wants them."""
    return {name: sha256_of(folder / name) for name in ADAPTER_FILES}
