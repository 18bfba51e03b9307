"""The columns of one data-set row, read with the checks that every task needs."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, SupportsIndex, cast

from composer.errors import TaskError

Row = Mapping[str, Any]

_LINE_BREAK_TAG = re.compile(r"<br\s*/?>", re.IGNORECASE)


def one_line(text: str) -> str:
    """Runs of white space and `<br>` become one space: line breaks are left to the separators between columns."""
    return " ".join(_LINE_BREAK_TAG.sub(" ", text).split())


@dataclass(frozen=True, eq=False)
class Fields:
    """One row, column by column. Each method raises TaskError naming the column and its value."""

    row: Row
    seed: str
    """Names the row: whatever is drawn for it depends on this alone."""

    def text(self, column: str) -> str:
        """The column on one line; never empty."""
        return _filled(column, self._value(column))

    def optional_text(self, column: str) -> str:
        """As `text`, but empty where the row lacks the column or leaves it blank."""
        value = self.row.get(column)
        return one_line(value) if isinstance(value, str) else ""

    def texts(self, column: str) -> tuple[str, ...]:
        """A column that holds a list of texts."""
        return _all_filled(column, self._value(column))

    def inner_texts(self, column: str, key: str) -> tuple[str, ...]:
        """A list of texts under a key of a nested column: `answers` {`text`: […]}."""
        value = self._value(column)
        if not isinstance(value, Mapping) or key not in value:
            raise bad(column, value, f"it must hold a list under {key!r}")
        return _all_filled(f"{column}.{key}", value[key])

    def index(self, column: str, count: int, first: int = 0) -> int:
        """A label as an index from 0; the column counts from `first` and may be a number or its digits."""
        value = self._value(column)
        try:
            number = int(value) if isinstance(value, str) else operator.index(cast(SupportsIndex, value))
        except (TypeError, ValueError):
            raise bad(column, value, "it must be a whole number") from None
        if not first <= number < first + count:
            raise bad(
                column, number, f"it must be from {first} to {first + count - 1}; -1 marks a split without labels"
            )
        return number - first

    def one_of(self, column: str, known: Sequence[str]) -> str:
        """A column that holds one of a few words."""
        value = self._value(column)
        if value not in known:
            raise bad(column, value, f"it must be {' or '.join(known)}")
        return str(value)

    def keyed_choices(self) -> tuple[tuple[str, ...], int]:
        """The options under `choices` and the index of `answerKey` among their letters."""
        options, letters = self.inner_texts("choices", "text"), self.inner_texts("choices", "label")
        key = self._value("answerKey")
        if key not in letters or len(letters) != len(options):
            raise bad(
                "answerKey",
                key,
                f"it must be one of {', '.join(letters)}, one letter for each of {len(options)} choices",
            )
        return options, letters.index(key)

    def _value(self, column: str) -> object:
        if column not in self.row:
            raise TaskError(
                f"column {column!r} is missing; the row has {', '.join(map(str, self.row)) or 'no columns'}."
            )
        return self.row[column]


def bad(column: str, value: object, remedy: str) -> TaskError:
    """The error for a value that a column must not have."""
    shown = repr(value)
    return TaskError(f"column {column!r} is {shown if len(shown) <= 60 else shown[:57] + '...'}; {remedy}.")


def _filled(column: str, value: object) -> str:
    if not isinstance(value, str) or not (text := one_line(value)):
        raise bad(column, value, "it must be text that is not blank")
    return text


def _all_filled(column: str, values: object) -> tuple[str, ...]:
    if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
        raise bad(column, values, "it must be a list of texts")
    return tuple(_filled(f"{column}[{place}]", value) for place, value in enumerate(values))
