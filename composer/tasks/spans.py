"""Wrong answers for a question whose right answer is a span of a passage: other spans that look like it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from composer.tasks.draw import ticket

_WORD = re.compile(r"[$€£]?\w+(?:[-'’.,]\w+)*%?")
_NOT_WORD = re.compile(r"\W+")
_MOST_WORDS = 12
_MOST_NAME_WORDS = 5

# Words that a noun-like span neither starts nor ends with: function words and the commonest verb forms.
_BOUNDARY_WORDS = frozenset(
    """
    a about according after all also although an and any are as at be became because become becomes been before
    began being between both but by called came can could de did do does done during each either few for found
    from gave get gets given got had has have having he held her hers him his how however i if in include
    includes including into is it it's its known led made make makes many may met might more most much must
    named neither no nor not of on one only or other our over own said same seen she should since so some such
    take taken takes than that the their them then there these they this those though through thus to too took
    under until up upon us used using van very von was we went were what when where which while who whom whose
    why will with within without would yet you your
    """.split()
)
_NAME_LINKS = frozenset(("of", "the", "de", "von", "van", "and", "for", "in"))


@dataclass(frozen=True)
class _Span:
    text: str
    kind: str
    """number, name or phrase"""
    loose_ends: int
    """How many of its two ends seem to break off inside of a longer phrase."""


class _Words:
    """A passage as words that know their places."""

    def __init__(self, passage: str) -> None:
        self._passage = passage
        self._places = [match.span() for match in _WORD.finditer(passage)]
        self._words = [passage[start:end] for start, end in self._places]

    def __len__(self) -> int:
        return len(self._words)

    def __getitem__(self, place: int) -> str:
        return self._words[place]

    def text(self, first: int, last: int) -> str:
        return self._passage[self._places[first][0] : self._places[last][1]]

    def adjoining(self, place: int) -> bool:
        """Whether there is a next word, and only a space before it."""
        return 0 <= place < len(self) - 1 and self._gap(place) == " "

    def starts_sentence(self, place: int) -> bool:
        return place == 0 or any(mark in self._gap(place - 1) for mark in ".!?:;")

    def _gap(self, place: int) -> str:
        return self._passage[self._places[place][1] : self._places[place + 1][0]]


def distractors(passage: str, question: str, answers: Sequence[str], seed: str, count: int = 3) -> tuple[str, ...]:
    """Up to `count` spans of the passage; no right answer contains one of them or is contained in it. The first answer
    is the model: spans of its kind (number, name, phrase) and length come first, those the question names last."""
    gold = answers[0].split()
    asked, kind = _normal(question), _wanted_kind(gold)

    def unlikeness(span: _Span) -> tuple[bool, bool, int, int, int, str]:
        named = _normal(span.text) in asked
        resized = abs(span.text.count(" ") + 1 - len(gold))
        return span.kind != kind, named, span.loose_ends, resized, ticket(seed, span.text), span.text

    ranked = sorted(_candidates(_Words(passage), len(gold) + 1), key=unlikeness)
    return _apart((span.text for span in ranked), tuple(map(_normal, answers)), count)


def _apart(texts: Iterable[str], golds: Sequence[str], count: int) -> tuple[str, ...]:
    """The first texts of which none contains another, or a gold."""
    taken: list[str] = []
    for text in texts:
        normal = _normal(text)
        if len(taken) == count:
            break
        if not any(normal in other or other in normal for other in (*golds, *map(_normal, taken))):
            taken.append(text)
    return tuple(taken)


def _candidates(words: _Words, longest: int) -> Iterator[_Span]:
    """Spans that could be noun phrases."""
    for first in range(len(words)):
        if _is_boundary(words[first]):
            continue
        for last in range(first, min(first + min(longest, _MOST_WORDS), len(words))):
            if not _is_boundary(words[last]):
                yield _span(words, first, last)
            if not words.adjoining(last):
                break


def _span(words: _Words, first: int, last: int) -> _Span:
    kind = _kind([words[place] for place in range(first, last + 1)])
    if kind == "name" and first == last and words.starts_sentence(first):
        kind = "phrase"  # any word has a capital there
    beyond = [words[first - 1]] if words.adjoining(first - 1) else []
    beyond += [words[last + 1]] if words.adjoining(last) else []
    loose = sum(not _is_boundary(word) and (kind != "name" or word[0].isupper()) for word in beyond)
    return _Span(words.text(first, last), kind, loose)


def _is_boundary(word: str) -> bool:
    return word.lower() in _BOUNDARY_WORDS or len(word) == 1 and not word.isdigit()


def _kind(words: Sequence[str]) -> str:
    if any(char.isdigit() for word in words for char in word):
        return "number"
    content = [word for word in words if word.lower() not in _NAME_LINKS]
    return "name" if content and all(word[0].isupper() for word in content) else "phrase"


def _wanted_kind(gold: Sequence[str]) -> str:
    """As `_kind`, but in a short answer one capital after the first word makes a name: beside "colony of Georgia" stand
    other names."""
    kind = _kind(gold)
    named = len(gold) <= _MOST_NAME_WORDS and any(word[0].isupper() for word in gold[1:])
    return "name" if kind == "phrase" and named else kind


def _normal(text: str) -> str:
    """Letters and digits in lower case, articles left out: "The Amazon" and "amazon" are the same answer."""
    words = [word for word in _NOT_WORD.sub(" ", text.casefold()).split() if word not in ("a", "an", "the")]
    return " ".join(words) or text.casefold()
