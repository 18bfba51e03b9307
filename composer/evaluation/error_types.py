"""The six error types that the method's paper names (section 9), as rules that a person can read and argue with.

The paper's authors read wrong answers and judged; a rule looks at the question alone. It says of which type a question
is, whoever answers it, so that candidates can be compared on the same rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

from composer.tasks import TASKS
from composer.types import Query

LONG = 100
"""Words of context and question together."""
SHORT = 8
"""Words of a question that stands alone."""
ALIKE = 0.5
"""Share of the words of two options together that both have."""

_ORDER = re.compile(
    r"\b(before|after|afterwards?|then|when|while|until|finally|later|next|first|eventually|suddenly|meanwhile)\b", re.I
)
_NEGATION = re.compile(
    r"\b(not|never|no|none|nobody|nothing|nowhere|neither|nor|without|cannot|hardly)\b|n[’']t\b", re.I
)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Rule:
    name: str
    sentence: str
    """What it looks for."""
    unsure: str
    """Where it may be wrong."""
    matches: Callable[[Query, str], bool]
    """(query, task) -> whether the question is of this type."""


def types_of(query: Query, task: str) -> tuple[str, ...]:
    """The names of the types, none or several."""
    return tuple(rule.name for rule in RULES if rule.matches(query, task))


def _temporal(query: Query, task: str) -> bool:
    return task in ("story_cloze", "hellaswag") or bool(_ORDER.search(query.text))


def _commonsense(query: Query, task: str) -> bool:
    return TASKS[task].family == "commonsense"


def _ambiguity(query: Query, task: str) -> bool:
    alone = query.context is None and _words(query.text) <= SHORT
    return alone or any(_alike(one, other) for one, other in combinations(query.options, 2))


def _negation(query: Query, task: str) -> bool:
    # a task's labels, such as "no" and "not_entailment", negate nothing in the question
    options = () if TASKS[task].labels else query.options
    return any(_NEGATION.search(text) for text in (query.text, *options))


def _long(query: Query, task: str) -> bool:
    return _words(query.context or "") + _words(query.text) >= LONG


def _entailment(query: Query, task: str) -> bool:
    return TASKS[task].family == "inference"


def _words(text: str) -> int:
    return len(_WORD.findall(text))


def _alike(one: str, other: str) -> bool:
    first, second = ({word.lower() for word in _WORD.findall(text)} for text in (one, other))
    return len(first & second) >= ALIKE * len(first | second) > 0


RULES = (
    Rule(
        "temporal",
        "A story to be gone on with (story_cloze, hellaswag), or a word of order in the question: before, after, then, "
        "when, while, until, finally, later, next, first …",
        "“When” and “first” often ask for a date or a person, and events can follow one another without any such word.",
        _temporal,
    ),
    Rule(
        "commonsense",
        "A task of the commonsense family.",
        "Every row of these tasks counts, also those that a reader would settle by the wording alone; questions of "
        "other tasks that need knowledge of the world do not count.",
        _commonsense,
    ),
    Rule(
        "ambiguity",
        f"A question of at most {SHORT} words without a passage, or two options that share half of their words.",
        "Short is not the same as underspecified, and options that differ in one word may differ clearly.",
        _ambiguity,
    ),
    Rule(
        "negation",
        "A word such as not, never, no, none, neither, without or n't in the question, or in an option that the row "
        "brings itself. Passages are not searched.",
        "The word may stand beside the point, and words that negate by their meaning (fail, deny, lack) are not found.",
        _negation,
    ),
    Rule(
        "long context",
        f"At least {LONG} words of passage and question together.",
        "The answer may stand in one sentence of a long passage.",
        _long,
    ),
    Rule(
        "entailment",
        "A task of the inference family: premise and hypothesis.",
        "Every row counts, subtle or not; wnli's rows ask for a pronoun.",
        _entailment,
    ),
)
