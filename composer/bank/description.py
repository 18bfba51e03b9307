"""What a bank is made of: its parts as bank.toml names them, and what its files hash to. No torch, no network."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from composer.bank.schema import is_commit, is_inside
from composer.config import ADAPTERS, RetrievalSettings
from composer.errors import BankError, unknown

PLACEHOLDER = "{prompt}"


@dataclass(frozen=True)
class Source:
    """A folder of files: on this machine, or on the Hub at a commit."""

    path: Path | None
    hub: str | None
    revision: str | None
    sha256: tuple[tuple[str, str], ...]
    """(file name within the folder, sha256), sorted; complete where the folder ships with the bank."""
    train: bool = False
    """An adapter that is still to be made, by `composer train`, in this folder."""

    @property
    def missing(self) -> bool:
        """Not trained yet."""
        return self.train and not self.sha256

    @property
    def pinned(self) -> bool:
        """Known to be what the bank was described with: a commit, or files with their sha256."""
        if self.hub is not None:
            return is_commit(self.revision)
        return self.missing or bool(self.sha256 and all(sha for _, sha in self.sha256))


@dataclass(frozen=True)
class EncoderSource:
    location: str
    """What `Encoder` takes: a package's name, a folder or a Hub id."""
    revision: str | None
    sha256: str
    """Of the encoder's model.safetensors."""
    hub: bool = False

    @property
    def pinned(self) -> bool:
        return bool(self.sha256) and (is_commit(self.revision) or not self.hub)


@dataclass(frozen=True)
class ShippedFile:
    path: Path
    sha256: str
    """Empty where it is not written down yet."""

    @property
    def pinned(self) -> bool:
        return bool(self.sha256)


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
    recipe: str | None = None
    """By which `composer train` trains where none is named; None for the one that fits the base's size."""

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(task for task, _ in self.adapters)

    @property
    def base_name(self) -> str:
        """How an adapter's config names the base: its Hub id, or bank and folder. Never a path of one machine."""
        return self.base.hub or f"{self.name}/{self.base.path.name if self.base.path else ''}"

    @property
    def reference(self) -> str:
        """How a command line names it: by its name among the banks that ship, else by its folder."""
        return self.name if self.folder.parent == ADAPTERS else str(self.folder)

    @property
    def untrained(self) -> tuple[str, ...]:
        """The tasks whose adapter `composer train` has still to make."""
        return tuple(task for task, source in self.adapters if source.missing)

    @property
    def unpinned(self) -> tuple[str, ...]:
        """The tables of bank.toml that do not say exactly which files they mean."""
        parts = {
            "base": self.base,
            "encoder": self.encoder,
            "examples": self.examples,
            "evaluation": self.evaluation,
            **{f"files {shipped.path.name!r}": shipped for shipped in self.files},
            **{f"adapters.{task}": source for task, source in self.adapters},
        }
        outside = self.base.path is not None and not is_inside(self.folder, self.base.path)
        # A base elsewhere on the machine is its owner's business.
        return tuple(
            name for name, part in parts.items() if part and not part.pinned and not (outside and name == "base")
        )

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
            if shipped.pinned and sha256_of(shipped.path) != shipped.sha256:
                name = shipped.path.relative_to(self.folder) if is_inside(self.folder, shipped.path) else shipped.path
                raise BankError(
                    f"{name} of the bank {self.name!r} is not the file that its bank.toml describes: it is damaged "
                    "or was changed. Restore it, or rebuild the bank."
                )

    def shipped(self) -> tuple[ShippedFile, ...]:
        """Every file on this machine that bank.toml names."""
        folders = (self.base, *(source for _, source in self.adapters))
        inside = (
            ShippedFile(source.path / name, sha) for source in folders if source.path for name, sha in source.sha256
        )
        single = (shipped for shipped in (self.examples, self.evaluation, *self.files) if shipped is not None)
        return (*inside, *single)


def sha256_of(path: Path) -> str:
    """Remembered for as long as the file's size and time of change stay as they are."""
    stat = path.stat()
    return _hashed(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4_096)
def _hashed(path: Path, mtime_ns: int, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
