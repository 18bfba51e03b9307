"""What the form holds, as one value: to a question and settings, and to a link and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any
from urllib.parse import urlencode

from composer.config import MergeSettings, RetrievalSettings, ScoreSettings, Settings
from composer.errors import QueryError, SettingsError, shown
from composer.merging import METHODS
from composer.types import Query


@dataclass(frozen=True)
class Inputs:
    """A field of the form each, by the same name; `Inputs(*values)` takes what Gradio hands over for `NAMES`."""

    question: str
    options: str
    """One per line."""
    passage: str
    top_p: float
    top_k: int
    kernel: str
    density: float
    majority_sign: str
    normalization: str
    methods: tuple[str, ...]
    embed_options: bool

    def __post_init__(self) -> None:
        """Methods in the registry's order, whatever order they were ticked in; unknown ones last, to be refused."""
        given = _names("methods", self.methods or ())
        known = tuple(method for method in METHODS if method in given)
        object.__setattr__(self, "methods", known + tuple(method for method in given if method not in METHODS))

    def query(self) -> Query:
        """Raises QueryError for what cannot be asked."""
        passage = _text("passage", self.passage).strip() or None
        query = Query(_text("question", self.question), option_lines(_text("options", self.options)), context=passage)
        if not isinstance(self.embed_options, bool | None):
            raise SettingsError(f"embed_options is {shown(self.embed_options)}; it must be true or false.")
        return replace(query, hint="\n".join(query.options)) if self.embed_options else query

    def settings(self) -> Settings:
        """Raises SettingsError for a value out of range, or none at all."""
        return Settings(
            RetrievalSettings(_whole("top-k", self.top_k), _number("top-p", self.top_p), _name("kernel", self.kernel)),
            MergeSettings(_number("density", self.density), _name("majority_sign", self.majority_sign)),
            ScoreSettings(_name("normalization", self.normalization)),
            self.methods,
        )

    def asking(self, question: str, options: Sequence[str], passage: str = "") -> Inputs:
        """Another question under the same settings."""
        return replace(self, question=question, options="\n".join(options), passage=passage)

    def by_name(self) -> dict[str, Any]:
        """Plain values, as the form's fields and JSON take them."""
        return {**asdict(self), "methods": list(self.methods)}

    def settings_by_name(self) -> dict[str, Any]:
        """All but what a visitor typed."""
        return {name: value for name, value in self.by_name().items() if name not in ("question", "options", "passage")}


NAMES = tuple(field.name for field in fields(Inputs))
"""Of the form's fields, in the order in which Gradio hands over their values."""

KEYS = {
    "question": "q",
    "options": "o",
    "passage": "passage",
    "top_p": "p",
    "top_k": "k",
    "kernel": "kernel",
    "density": "density",
    "majority_sign": "sign",
    "normalization": "norm",
    "methods": "m",
    "embed_options": "embed",
}
"""Of each field in a link."""
LEFT = "left"
"""In a link: what was left out of it, since it was too long."""
LEFT_OUT = ("passage", "options", "question")
"""In this order, until it is short enough."""
MAX_LINK_CHARS = 6_000
"""Servers and proxies refuse a request whose first line has more than 8,192 bytes."""


def default_inputs(settings: Settings) -> Inputs:
    """An empty form under the bank's own settings."""
    return Inputs(
        question="",
        options="",
        passage="",
        top_p=settings.retrieval.top_p,
        top_k=settings.retrieval.top_k,
        kernel=settings.retrieval.kernel,
        density=settings.merge.density,
        majority_sign=settings.merge.majority_sign_method,
        normalization=settings.score.normalization,
        methods=settings.methods,
        embed_options=False,
    )


def option_lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.split("\n") if line.strip())


def to_query_string(inputs: Inputs) -> str:
    """All inputs, also those at their defaults: a link says the same after a bank's defaults have changed.

    What makes it too long is left out, and named.
    """
    pairs: dict[str, list[str]] = {name: _as_words(getattr(inputs, name)) for name in NAMES}
    pairs["options"] = list(option_lines(inputs.options))
    left: list[str] = []
    for name in LEFT_OUT:
        if pairs[name] and len(_encoded(pairs, left)) > MAX_LINK_CHARS:
            pairs[name] = []
            left.append(name)
    return _encoded(pairs, left)


def _encoded(pairs: dict[str, list[str]], left: list[str]) -> str:
    return urlencode(
        [(KEYS[name], word) for name, words in pairs.items() for word in words] + [(LEFT, n) for n in left]
    )


def _as_words(value: object) -> list[str]:
    if isinstance(value, bool):
        return ["options"] if value else []
    return [str(one) for one in (value if isinstance(value, tuple) else (value,)) if one != ""]


def option_texts(options: object) -> tuple[str, ...]:
    """A program's options, of which each is one line. Raises QueryError."""
    if not isinstance(options, list | tuple) or not all(isinstance(option, str) for option in options):
        raise QueryError(f"options is {shown(options)}; it must be a list of texts.")
    if any("\n" in option for option in options):
        raise QueryError("an option holds a line break. Give each option as one line.")
    return tuple(options)


def _text(name: str, value: object) -> str:
    """A field that was cleared may be None."""
    if not isinstance(value, str | None):
        raise QueryError(f"the {name} is {shown(value)}; it must be text.")
    return value or ""


def _name(what: str, value: object) -> str:
    if not isinstance(value, str):
        raise SettingsError(f"{what} is {shown(value)}; it must be a name.")
    return value


def _names(what: str, values: object) -> tuple[str, ...]:
    if not isinstance(values, list | tuple) or not all(isinstance(value, str) for value in values):
        raise SettingsError(f"{what} is {shown(values)}; it must be a list of names.")
    return tuple(values)


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SettingsError(f"{name} is {shown(value)}; it must be a number above 0 and at most 1.")
    return float(value)


def _whole(name: str, value: object) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise SettingsError(f"{name} is {shown(value)}; it must be a whole number from 1 to 1000.")
    return value
