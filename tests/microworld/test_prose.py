"""The base model's reading matter."""

from __future__ import annotations

import re
from itertools import islice
from random import Random

import pytest

from composer.microworld.lexicon import load
from composer.microworld.marks import KINDS, parse, unmarked
from composer.microworld.prose import DOCUMENTS, documents, senses_compared
from composer.microworld.scenes import retold
from composer.tasks import TASKS

SAMPLE = [unmarked(text) for text in islice(documents(3), 6_000)]


def test_prose_is_deterministic() -> None:
    assert list(islice(documents(5), 50)) == list(islice(documents(5), 50))
    assert list(islice(documents(5), 50)) != list(islice(documents(6), 50))


@pytest.mark.parametrize("maker", [maker for _, maker in DOCUMENTS], ids=lambda maker: maker.__name__)
def test_marks_come_in_pairs_and_no_field_is_left_open(maker) -> None:
    for seed in range(40):
        text = maker(load(), Random(seed))
        assert text.count("⟦") == text.count("⟧")
        assert "{" not in text and "  " not in text


def test_every_label_was_written_in_the_prose() -> None:
    """A frozen embedding that was never a target cannot be produced through an adapter."""
    text = "\n".join(SAMPLE)
    for task in TASKS.values():
        for label in task.labels:
            assert label in text.lower(), (task.name, label)


def test_no_document_is_a_task_prompt() -> None:
    for text in SAMPLE:
        assert not ("Premise:" in text and "Hypothesis:" in text and len(text) > 200)
        assert not text.startswith("Passage:") or "\nAnswer:" not in text or len(text) < 120


def test_what_differs_between_two_sentences_is_pointed_out_where_the_verdict_says_so() -> None:
    """And only there: a sentence that says the same in other words has no word that is odd."""
    pointed = 0
    for seed in range(300):
        marked = parse(retold(load(), Random(seed)))
        due = [n for n, decided in enumerate(marked.decided) if decided and not marked.decided[n - 1]]
        odd = {link.at for link in marked.links if link.kind == "odd"}
        for place in due:
            says_same = re.match(r"Same|Yes|equal|the same|agree", marked.text[place:]) is not None
            before = len(marked.text[:place].rstrip()) - 1
            assert (before in odd) != says_same, marked.text
            pointed += before in odd
    assert pointed > 300


def test_a_verdict_on_a_word_looks_at_both_sentences_and_each_sentence_at_the_word() -> None:
    senses = {sentence: (h.word, n) for h in load().homonyms for n in (0, 1) for sentence in h.senses[n]}
    for seed in range(100):
        marked = parse(senses_compared(load(), Random(seed)))
        kinds = {kind: {link.at: link.to for link in marked.links if link.kind == kind} for kind in KINDS}
        assert len(kinds["fact"]) == 3 and kinds["fact"].keys() == kinds["claim"].keys()
        for due, *ends in zip(kinds["fact"], kinds["fact"].values(), kinds["claim"].values(), strict=True):
            told = [next(s for s in senses if marked.text[: end + 2].endswith(s)) for end in ends]
            (word, one), (other_word, two) = (senses[sentence] for sentence in told)
            assert word == other_word
            assert all(marked.text[: kinds["part"][end] + 1].lower().endswith(word) for end in ends)
            says_same = re.match(r"\W*(the same|same|Yes)", marked.text[due + 1 :]) is not None
            assert says_same == (one == two), marked.text
