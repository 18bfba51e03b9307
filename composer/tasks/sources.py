"""Where a task's rows come from: a folder with one file a task, or the data sets on the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from composer.errors import TaskError
from composer.tasks import TASKS, find_task
from composer.tasks.files import READERS, RawRow, read_file
from composer.tasks.task import HubData

if TYPE_CHECKING:
    from datasets import Dataset

HUB = "hub"
EXPORT = "refs/convert/parquet"
"""The branch that the Hub itself keeps for every data set whose rows are made by a script. No script is ever run."""


class RowSource(Protocol):
    """`split` is "train" or "test"; a folder may hold files of any other name."""

    name: str

    def tasks(self, split: str = "train") -> tuple[str, ...]:
        """The tasks it has rows of, in the order of TASKS."""
        ...

    def unknown(self, split: str = "train") -> tuple[str, ...]:
        """What holds rows and is no task's: a name misspelt, perhaps."""
        ...

    def rows(self, task: str, split: str = "train") -> Iterator[RawRow]:
        """Raises TaskError where there are none, or they cannot be read."""
        ...


def open_source(names: Sequence[str]) -> RowSource:
    """`hub`, or a folder's path. Of several, each task comes from the first that has it. Raises TaskError."""
    if not names:
        raise TaskError(f"no source of rows was named. Name {HUB!r} or a folder.")
    opened = [HubSource() if name == HUB else FolderSource(Path(name)) for name in names]
    return opened[0] if len(opened) == 1 else FirstOf(opened)


class FolderSource:
    """`<task>/<split>.jsonl`, `.csv` or `.parquet`, with the columns of the task's own data set."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = str(folder)
        if not folder.is_dir():
            raise TaskError(
                f"there is no folder {self.name!r} to read rows from. Name one that holds <task>/train.jsonl, or {HUB}."
            )

    def tasks(self, split: str = "train") -> tuple[str, ...]:
        return tuple(task for task in TASKS if self._files(task, split))

    def unknown(self, split: str = "train") -> tuple[str, ...]:
        below = sorted(path.name for path in self.folder.iterdir() if path.is_dir())
        return tuple(name for name in below if name not in TASKS and self._files(name, split))

    def rows(self, task: str, split: str = "train") -> Iterator[RawRow]:
        files = self._files(find_task(task).name, split)
        if len(files) != 1:
            here = " and ".join(path.name for path in files) or f"neither {split}.jsonl nor .csv nor .parquet"
            raise TaskError(f"{self.folder / task} holds {here}; exactly one of them is needed.")
        return read_file(files[0])

    def _files(self, task: str, split: str) -> list[Path]:
        return [path for suffix in READERS if (path := self.folder / task / (split + suffix)).is_file()]


class HubSource:
    """The data sets under the ids and configurations that the tasks name."""

    name = "the Hugging Face Hub"

    def tasks(self, split: str = "train") -> tuple[str, ...]:
        return tuple(TASKS)

    def unknown(self, split: str = "train") -> tuple[str, ...]:
        return ()

    def rows(self, task: str, split: str = "train") -> Iterator[RawRow]:
        source = find_task(task).source
        table = _load(task, source, source.train_split if split == "train" else source.test_split)
        lacking = [column for column in source.columns if column not in table.column_names]
        if lacking:
            raise TaskError(
                f"{_called(source)} has no column {lacking[0]!r} any more; it has {', '.join(table.column_names)}. "
                f"Give the rows of {task} as a folder: --source FOLDER --source {HUB}."
            )
        table = table.select_columns(list(source.columns))
        for number in range(len(table)):
            yield RawRow(number, f"{_called(source)}, row {number + 1}", partial(table.__getitem__, number))


class FirstOf:
    """Several sources as one."""

    def __init__(self, sources: Sequence[RowSource]) -> None:
        self.sources = tuple(sources)
        self.name = ", ".join(source.name for source in sources)

    def tasks(self, split: str = "train") -> tuple[str, ...]:
        held = {task for source in self.sources for task in source.tasks(split)}
        return tuple(task for task in TASKS if task in held)

    def unknown(self, split: str = "train") -> tuple[str, ...]:
        return tuple(name for source in self.sources for name in source.unknown(split))

    def rows(self, task: str, split: str = "train") -> Iterator[RawRow]:
        for source in self.sources:
            if task in source.tasks(split):
                return source.rows(task, split)
        return self.sources[0].rows(task, split)


def _called(source: HubData) -> str:
    return f"{source.hub_id} ({source.config})" if source.config else source.hub_id


def _load(task: str, source: HubData, split: str) -> Dataset:
    # Imported here: seconds, and only the Hub needs it.
    from datasets.exceptions import DatasetsError

    try:
        return _fetched(source, split)
    except (OSError, ValueError, RuntimeError, DatasetsError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200].rstrip(".")
        raise TaskError(
            f"the rows of {task} could not be fetched: {_called(source)}, split {split}: {reason}. Check the network "
            "and whether the data set asks for a login or a form; or give the rows as a folder: "
            f"--source FOLDER --source {HUB}."
        ) from error


def _fetched(source: HubData, split: str) -> Dataset:
    import datasets

    load: Any = datasets.load_dataset
    try:
        return load(source.hub_id, source.config, split=split)
    except RuntimeError as error:
        if "scripts are no longer supported" not in str(error):
            raise
        # There the configurations are folders, and one that had no name of its own is all there is.
        return load(source.hub_id, split=split, revision=EXPORT, data_dir=source.config)
