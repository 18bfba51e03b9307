"""Files of a bank that do not ship with it: fetched from the Hub at the commit that the bank pins, then kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from composer.bank.manifest import Source
from composer.errors import BankError


def folder_of(source: Source, patterns: Sequence[str]) -> tuple[Path, Path]:
    """(the folder, how far its symbolic links may lead). Only a Hub source may use the network. Raises BankError."""
    if source.path is not None:
        return source.path, source.path
    from huggingface_hub import snapshot_download

    if source.hub is None:
        raise BankError("a source names neither a path nor a Hub id. Give one of them in bank.toml.")
    try:
        folder = Path(snapshot_download(source.hub, revision=source.revision, allow_patterns=list(patterns)))
    except (OSError, ValueError) as error:
        raise BankError(
            f"{source.hub} could not be fetched from the Hub: {error}. Check the network and the id."
        ) from error
    # The Hub's cache keeps snapshots/<commit>/<file> as links to blobs/<hash>, both below one folder per repository.
    return folder, folder.parent.parent
