"""One tree of errors. Each message is one sentence or two for a person: cause, value, remedy."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class ComposerError(Exception):
    """Everything the page and the command line turn into words instead of a traceback."""


class QueryError(ComposerError):
    """A question or its options cannot be answered."""


class SettingsError(ComposerError):
    """A setting is unknown or out of range."""


class TaskError(ComposerError):
    """A row of a data set cannot become an example, or a task is unknown."""


class BankError(ComposerError):
    """A bank, or a file of it, is missing, damaged or not what its description says."""


class AdapterError(BankError):
    """An adapter is refused: damaged, unsafe, or of a kind that is not represented here."""


class SearchIndexError(ComposerError):
    """The example index is missing, damaged, in use, or made with another encoder."""


class MergeError(ComposerError):
    """Adapters cannot be merged as asked."""


class InferenceError(ComposerError):
    """The model could not score the options."""


class SpaceError(ComposerError):
    """The Spacefile, or the Space that it describes, cannot be used as it is."""


MAX_SHOWN = 80
"""Characters of a value that a message repeats; the rest says nothing that the beginning does not."""


def shown(value: object) -> str:
    """A value as a message names it: its repr, cut to MAX_SHOWN characters."""
    if isinstance(value, str) and len(value) > MAX_SHOWN - 2:
        value = f"{value[: MAX_SHOWN - 3]}…"
    try:
        text = repr(value)
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        text = f"<{type(value).__name__} without end>"
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """The sentence for a name that does not exist, with the nearest one that does."""
    names = sorted(known)
    in_lower_case = {known.lower(): known for known in names}
    close = get_close_matches(str(name)[:MAX_SHOWN].lower(), in_lower_case, n=1, cutoff=0.5)
    guess = f" Did you mean {in_lower_case[close[0]]!r}?" if close else ""
    return f"unknown {what} {shown(name)}.{guess} Known: {', '.join(names)}."
