"""What a bank is made of: its parts as bank.toml names them, and what its files hash to. No torch, no network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from composer.bank.schema import is_inside
from composer.bank.sources import Source, sha256_of
from composer.config import ADAPTERS, RetrievalSettings, ScoreSettings
from composer.errors import BankError, unknown

PLACEHOLDER = "{prompt}"


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
    """`none`, `nf4`, `int8`, or `auto`: nf4 on a GPU, none on a CPU"""
    prompt_template: str
    """Holds `{prompt}` exactly once."""
    encoder: Source
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
    score: ScoreSettings = ScoreSettings()
    """How options of different length are made comparable."""
    base_model: str | None = None
    """The Hub id of the model that the base's file was made of, where the file is not that model's own."""

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(task for task, _ in self.adapters)

    @property
    def base_name(self) -> str:
        """How an adapter's config names the base: its Hub id, or bank and folder. Never a path of one machine."""
        return self.base_model or self.base.hub or f"{self.name}/{self.base.path.name if self.base.path else ''}"

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
