"""The breadth that the embedded bank promises, and the split that keeps test content unseen."""

from __future__ import annotations

from composer.microworld.language import plural
from composer.microworld.lexicon import article, is_test, load


def test_the_lexicon_is_wide() -> None:
    lexicon = load()
    assert len(lexicon.things) >= 400
    assert len(lexicon.scripts) >= 60
    assert len(lexicon.opinions) >= 300
    assert len(lexicon.homonyms) >= 80


def test_every_thing_has_several_facts() -> None:
    for thing in load().things:
        facts = [thing.category, thing.place, thing.material, thing.size, thing.part, thing.colour, thing.trait]
        assert all(facts), thing.name


def test_names_are_unique() -> None:
    lexicon = load()
    for items, key in (
        (lexicon.things, "name"),
        (lexicon.scripts, "title"),
        (lexicon.opinions, "phrase"),
        (lexicon.homonyms, "word"),
    ):
        values = [getattr(item, key) for item in items]
        assert len(set(values)) == len(values)


def test_each_sentence_of_a_homonym_holds_its_word() -> None:
    for homonym in load().homonyms:
        for sentence in (*homonym.senses[0], *homonym.senses[1]):
            assert homonym.word in sentence.lower(), (homonym.word, sentence)


def test_the_split_is_stable_and_near_a_fifth() -> None:
    chosen = [thing.name for thing in load().things if is_test("thing", thing.name)]
    assert 0.13 < len(chosen) / len(load().things) < 0.27
    assert is_test("thing", "tennis ball") is False  # by hash: the same on every machine and in every run


def test_articles_and_plurals() -> None:
    assert article("apple") == "an apple"
    assert article("uniform") == "a uniform"
    assert article("umbrella") == "an umbrella"
    assert plural("toy box") == "toy boxes"
    assert plural("butterfly") == "butterflies"
    assert plural("pocket knife") == "pocket knives"
