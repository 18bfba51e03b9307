"""Who has what: the answers and verdicts of the prose are right."""

from __future__ import annotations

import re
from random import Random

import pytest

from composer.microworld import bindings
from composer.microworld.bindings import DOCUMENTS, judged, looked_up, more_or_fewer, proposed, swapped
from composer.microworld.lexicon import load
from composer.microworld.marks import parse, unmarked

SEEDS = range(60)


def test_every_decided_answer_is_tied_to_the_statement_that_decides_it() -> None:
    for seed in SEEDS:
        marked = parse(looked_up(load(), Random(seed)))
        starts = sum(now and not before for before, now in zip((False, *marked.decided), marked.decided, strict=False))
        assert starts >= 2
        facts = [link.at for link in marked.links if link.kind == "fact"]
        assert len(facts) == len(set(facts)) == starts


def test_what_is_looked_up_stands_in_the_statement_that_is_linked() -> None:
    for seed in SEEDS:
        marked = parse(looked_up(load(), Random(seed)))
        for link in marked.links:
            if link.kind != "fact":
                continue
            answer = re.match(r"\W*([\w-]+)", marked.text[link.at + 1 :])
            begin = marked.text.rfind(". ", 0, link.to) + 1
            assert answer and answer[1].lower() in marked.text[begin : marked.text.index(".", link.to)].lower()


def test_claims_come_once_and_as_often_right_as_wrong() -> None:
    verdicts: dict[bool, int] = {True: 0, False: 0}
    for seed in range(300):
        text = unmarked(judged(load(), Random(seed)))
        claims = re.findall(r"[^.?]*[.?][^.?]*\b(?:Yes|No|True|False|right|wrong|yes|no|true|false)\.", text)
        assert len(set(claims)) == len(claims)
        for claim in claims:
            verdicts[bool(re.search(r"\b(Yes|True|right|yes|true)\.$", claim))] += 1
    assert abs(verdicts[True] / sum(verdicts.values()) - 0.5) < 0.06


def test_a_proposed_answer_is_right_where_the_statement_that_is_linked_has_it() -> None:
    verdicts = {True: 0, False: 0}
    for seed in range(200):
        marked = parse(proposed(load(), Random(seed)))
        decides = {link.at: link.to for link in marked.links if link.kind == "fact"}
        for claim in (link for link in marked.links if link.kind == "claim"):
            answer = re.search(r"\? ([^?]+)$", marked.text[: claim.to + 1])
            assert answer
            end = marked.text.index(".", decides[claim.at])
            told = marked.text[marked.text.rfind(". ", 0, end) + 1 : end].lower()
            good = re.match(r"\W*(Yes|True|right)", marked.text[claim.at + 1 :]) is not None
            assert good == (re.search(rf"\b{re.escape(answer[1].lower())}\b", told) is not None), marked.text
            verdicts[good] += 1
    assert abs(verdicts[True] / sum(verdicts.values()) - 0.5) < 0.06


def test_swapped_sentences_are_as_often_the_same_as_not() -> None:
    same = other = 0
    for seed in range(200):
        text = unmarked(swapped(load(), Random(seed)))
        same += len(re.findall(r"\b(?:Same|the same|Yes)\.", text))
        other += len(re.findall(r"\b(?:Different|something else|No)\.", text))
    assert same + other == 600
    assert abs(same / 600 - 0.5) < 0.08


def test_numbers_are_compared_rightly() -> None:
    words = bindings._WORDS
    for seed in SEEDS:
        text = unmarked(more_or_fewer(load(), Random(seed)))
        told = re.match(r"(\w+) had (\w+) .* and (\w+) had (\w+)\.", text)
        assert told
        count = {told[1]: words.index(told[2]), told[3]: words.index(told[4])}
        for x, word, y in re.findall(r"(\w+) had (more|fewer) [^.]* than (\w+)\. (?!True|False)", text):
            assert (count[x] > count[y]) == (word == "more"), text
        for x, word, y, verdict in re.findall(r"(\w+) had (more|fewer) [^.]* than (\w+)\. (True|False)", text):
            assert ((count[x] > count[y]) == (word == "more")) == (verdict == "True"), text


@pytest.mark.parametrize("maker", [maker for _, maker in DOCUMENTS], ids=lambda maker: maker.__name__)
def test_all_signs_become_marks(maker) -> None:
    for seed in SEEDS:
        text = unmarked(maker(load(), Random(seed)))
        assert not set(text) & set("@#^~%[]{}")
        assert "  " not in text
