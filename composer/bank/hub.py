"""Files of a bank that do not ship with it: fetched from the Hub at the commit that the bank pins, then kept.

What is in the Hub's cache is used without a look at the network, so a bank that once started starts offline too. What
goes wrong is one sentence with its remedy.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path

from composer.bank.completeness import incomplete
from composer.bank.schema import is_commit
from composer.errors import BankError


def snapshot(hub: str, revision: str | None, patterns: Sequence[str], *, fetch: bool = True) -> Path:
    """The folder with the files that the patterns name. Without `fetch`, only what is here. Raises BankError."""
    return _cached(hub, revision, patterns) or _fetched(hub, revision, patterns, fetch)


def commit_of(hub: str, revision: str) -> str:
    """The commit that a branch or tag of a model is at today. Raises BankError."""
    from huggingface_hub import HfApi

    try:
        commit = HfApi().model_info(hub, revision=revision, timeout=_timeout()).sha
    except Exception as error:  # those of the Hub's client and of its libraries share no class
        raise refusal(hub, error) from error
    if not is_commit(commit):
        raise BankError(f"the Hub names no commit for {hub} at {revision!r}, but {commit!r}. Try again later.")
    return str(commit)


def weights_sha256(hub: str, revision: str) -> str:
    """Of a model's model.safetensors, as the Hub itself names it. Raises BankError."""
    from huggingface_hub import HfApi

    try:
        found = HfApi().get_paths_info(hub, "model.safetensors", revision=revision)
    except Exception as error:
        raise refusal(hub, error) from error
    lfs = getattr(found[0], "lfs", None) if found else None
    if lfs is None:
        raise BankError(f"{hub} has no model.safetensors at {revision[:12]}. Choose an encoder that has one.")
    return str(lfs.sha256)


def _cached(hub: str, revision: str | None, patterns: Sequence[str]) -> Path | None:
    """The snapshot, where it is whole: a commit never changes, so there is nothing to ask the Hub."""
    if not is_commit(revision):
        return None
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        found = snapshot_download(hub, revision=revision, allow_patterns=list(patterns), local_files_only=True)
    except LocalEntryNotFoundError:
        return None
    return None if incomplete(Path(found), patterns) else Path(found)


def _fetched(hub: str, revision: str | None, patterns: Sequence[str], fetch: bool) -> Path:
    if not fetch:
        raise BankError(f"{hub} has not been fetched yet. Start once with a network.")
    from huggingface_hub import snapshot_download

    # Asked once and briefly: the download itself tries a Hub that does not answer again and again, for minutes.
    commit_of(hub, revision or "main")
    try:
        folder = Path(snapshot_download(hub, revision=revision, allow_patterns=list(patterns), etag_timeout=_timeout()))
    except Exception as error:
        raise refusal(hub, error) from error
    lacking = incomplete(folder, patterns)
    if lacking:
        raise BankError(
            f"{hub} was fetched, but {lacking} in {folder}. Delete the folder {folder.parent.parent} and start again, "
            "or choose a model that has it: of weights, only safetensors are read."
        )
    return folder


def _timeout() -> float:
    from huggingface_hub import constants

    return float(constants.HF_HUB_ETAG_TIMEOUT)


def refusal(hub: str, error: Exception) -> BankError:
    """One sentence for what the Hub's client raises; an error that is no failure of the Hub rises as it is."""
    from huggingface_hub import errors, get_token

    chain = tuple(_causes(error))
    if any(isinstance(e, errors.GatedRepoError) for e in chain):
        return _gated(hub, bool(get_token()))
    if any(isinstance(e, errors.RevisionNotFoundError) for e in chain):
        return BankError(f"{hub} has no such revision on the Hub. Correct it in bank.toml, or run `bank pin` anew.")
    if any(isinstance(e, errors.RepositoryNotFoundError) or _status(e) == 401 for e in chain):
        return BankError(
            f"{hub} is not on the Hub, or is private. Correct its id in bank.toml, or set HF_TOKEN to a token that "
            "may read it."
        )
    if any(isinstance(e, errors.OfflineModeIsEnabled) for e in chain):
        return BankError(f"{hub} has not been fetched whole yet, and HF_HUB_OFFLINE forbids it. Start once without it.")
    if any(isinstance(e, OSError) and e.errno in (errno.ENOSPC, errno.EDQUOT) for e in chain):
        return BankError(f"no space is left for {hub}. Free some, or set HF_HOME to a folder on a larger disk.")
    if any(isinstance(e, PermissionError) or (isinstance(e, OSError) and e.errno == errno.EROFS) for e in chain):
        return BankError(f"{hub} cannot be stored: {error}. Set HF_HOME to a folder that can be written.")
    return BankError(
        f"{hub} could not be fetched from the Hub: {_first_line(chain[-1])}. What was fetched is kept: check the "
        "network and start again."
    )


def _gated(hub: str, has_token: bool) -> BankError:
    page = f"https://huggingface.co/{hub}"
    if has_token:
        return BankError(f"{hub} is gated and your token has no access to it. Ask for access on {page}.")
    return BankError(
        f"{hub} is gated and no token is set. Accept its terms on {page}, then set HF_TOKEN or run `hf auth login`."
    )


def _causes(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _status(error: BaseException) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")
