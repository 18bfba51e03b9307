"""Marks: what a document decides, and where it says so."""

from __future__ import annotations

from composer.microworld.marks import Link, fact, parse, unmarked

TOLD = fact("Tom@ has a red ball#.", 0) + " " + fact("A cup@ belongs to Mia#.", 1)
ASKED = fact("Who has the cup^? [Mia].", 1)


def _ends(text: str, words: str) -> int:
    return text.index(words) + len(words) - 1


def test_marks_are_no_part_of_what_is_read() -> None:
    read = "Tom has a red ball. A cup belongs to Mia. Who has the cup? Mia."
    assert unmarked(f"{TOLD} {ASKED}") == parse(f"{TOLD} {ASKED}").text == read


def test_only_the_words_in_brackets_are_decided() -> None:
    marked = parse(f"{TOLD} {ASKED}")
    assert "".join(c for c, decided in zip(marked.text, marked.decided, strict=True) if decided) == "Mia"


def test_a_question_looks_at_its_subject_and_at_the_end_of_the_statement_that_answers_it() -> None:
    marked = parse(f"{TOLD} {ASKED}")
    due = _ends(marked.text, "the cup?")
    assert Link(due, _ends(marked.text, "Who has the cup"), "part") in marked.links
    assert Link(due, _ends(marked.text, "belongs to Mia"), "fact") in marked.links


def test_the_end_of_a_statement_looks_at_what_it_is_about() -> None:
    marked = parse(TOLD)
    assert marked.links == (
        Link(_ends(marked.text, "red ball"), _ends(marked.text, "Tom"), "part"),
        Link(_ends(marked.text, "to Mia"), _ends(marked.text, "A cup"), "part"),
    )


def test_an_answer_without_its_statement_has_no_link_to_one() -> None:
    assert all(link.kind != "fact" for link in parse(ASKED).links)


def test_a_verdict_looks_at_what_was_claimed_of_the_subject() -> None:
    marked = parse(f"{TOLD} {fact('Does Tom~ have the cup^? [No].', 1)}")
    due = _ends(marked.text, "have the cup?")
    assert Link(due, _ends(marked.text, "Does Tom"), "claim") in marked.links
    assert Link(due, _ends(marked.text, "have the cup"), "part") in marked.links


def test_a_verdict_on_two_sentences_looks_at_the_word_that_differs() -> None:
    marked = parse(fact("Tom ran. Tom slept%. [Different]. Tom ran. [Same].", 7))
    assert marked.links == (Link(_ends(marked.text, "slept."), _ends(marked.text, "slept"), "odd"),)
