"""The lexicon as one split sees it: what rows may ask about, and what may stand beside it."""

from __future__ import annotations

from random import Random

from composer.microworld.language import EventMaker
from composer.microworld.lexicon import Person, Thing, is_test, load, of_split

LETTERS = "ABCDE"


class World:
    """Asked-about content comes from the split; names, scenery and wrong answers come from the whole lexicon."""

    def __init__(self, split: str, rng: Random) -> None:
        self.split, self.rng, self.all = split, rng, load()
        lexicon = self.all
        self.things = of_split("thing", lexicon.things, split, "name")
        # A purpose that things of both splits serve belongs to training alone.
        trained = {t.use for t in of_split("thing", lexicon.things, "train", "name")} if split == "test" else set()
        self.with_use = tuple(t for t in self.things if t.use and t.use not in trained)
        # A goal is a goal, whether a how-to or a thing's purpose serves it: both are split by their words.
        self.with_goal = tuple(t for t in lexicon.things if t.use and is_test("howto", t.use) == (split == "test"))
        self.facts = of_split("fact", lexicon.facts, split, "statement")
        self.scripts = of_split("script", lexicon.scripts, split, "title")
        self.opinions = of_split("opinion", lexicon.opinions, split, "phrase")
        self.homonyms = of_split("homonym", lexicon.homonyms, split, "word")
        self.howtos = of_split("howto", lexicon.howtos, split, "goal")
        self.causes = of_split("cause", lexicon.causes, split, "cause")
        self.synonyms = of_split("synonym", lexicon.synonyms, split, "word")
        self.antonyms = of_split("antonym", lexicon.antonyms, split, "word")
        self.events = EventMaker(lexicon, rng, self.synonyms, self.antonyms)

    def person(self) -> Person:
        return self.rng.choice(self.all.people)

    def persons(self, count: int) -> list[Person]:
        return self.rng.sample(self.all.people, count)

    def countable(self) -> Thing:
        return self.rng.choice([t for t in self.things if t.countable])

    def coin(self, chance: float = 0.5) -> bool:
        return self.rng.random() < chance

    def place_gold(self, gold: str, wrong: list[str]) -> tuple[list[str], int]:
        """The options in random order and where the right one is."""
        options = [gold, *wrong]
        self.rng.shuffle(options)
        return options, options.index(gold)

    def others(self, gold: str, pool: list[str], count: int) -> list[str]:
        """Different values that are not the right one."""
        return self.rng.sample(sorted({value for value in pool if value and value != gold}), count)
