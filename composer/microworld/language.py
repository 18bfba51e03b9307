"""Small grammar: plurals, prepositions, sentences about things and events. Shared by the prose and by the task rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Any

from composer.microworld.lexicon import Lexicon, Pair, Person, Thing, article, upper_first

ANIMALS = ("pet", "farm animal", "wild animal", "bird", "fish", "insect")
LIVING = (*ANIMALS, "tree", "flower")
NATURE = ("weather", "landform")
NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
COLOURS = ("red", "blue", "green", "yellow", "white", "black", "brown", "grey", "pink", "orange")
MASS_CATEGORIES = {
    "food": "food", "furniture": "furniture", "sports gear": "sports gear", "camping gear": "camping gear",
    "clothing": "clothing", "medicine": "medicine", "bedding": "bedding", "weather": "weather",
}  # fmt: skip
_PREPOSITIONS = {
    "the beach": "on", "the tennis court": "on", "the playground": "on", "the farm": "on", "the camp site": "at",
    "the airport": "at", "the station": "at", "the road": "on", "the field": "in", "the river": "in", "the harbour": "in",
}  # fmt: skip
EVENT_VERBS = (
    "bought", "found", "washed", "carried", "fixed", "picked", "hid", "got", "wanted", "liked", "loved", "hated", "broke",
    "grabbed", "pushed", "lifted", "needed", "saw", "watched", "examined", "damaged", "stole", "mailed", "polished",
    "touched", "spotted", "misplaced", "dropped", "selected", "praised", "demanded", "discarded", "located", "returned",
    "delivered", "dragged", "sketched", "copied", "guarded", "remembered", "displayed", "decorated", "ruined", "shoved",
)  # fmt: skip
EVENT_ADJECTIVES = (
    "big", "small", "pretty", "ugly", "strange", "cheap", "costly", "dirty", "shiny", "new", "wet", "boring", "ancient",
    "famous", "sturdy", "fragile", "smooth", "modern", "wonderful", "terrible", "heavy", "old", "clean", "dry", "hidden",
)  # fmt: skip
WHENS = (
    "in the morning", "in the evening", "at noon", "at midnight", "right away", "after a while", "every day", "every week",
    "two times", "in the end", "on purpose", "by accident", "before lunch", "after lunch", "in summer", "in winter",
    "in spring", "in autumn", "on weekdays", "on weekends", "before sunrise", "after sunrise",
)  # fmt: skip
SPOTS = (
    "in the kitchen", "in the garden", "at school", "in the park", "at the market", "in the garage", "on the beach",
    "at the station", "in the library", "near the river", "in the hall", "behind the house", "on the farm", "in the office",
)  # fmt: skip


def plural(noun: str) -> str:
    """Regular English plural of the last word, with the few irregular ones of the lexicon."""
    head, _, last = noun.rpartition(" ")
    irregular = {"knife": "knives", "fish": "fish", "sheep": "sheep", "mouse": "mice", "goose": "geese", "foot": "feet",
                 "leaf": "leaves", "shelf": "shelves", "scarf": "scarves", "loaf": "loaves", "calf": "calves", "wolf": "wolves",
                 "deer": "deer", "dice": "dice", "tooth": "teeth", "ox": "oxen", "brush": "brushes"}  # fmt: skip
    if last in irregular:
        last = irregular[last]
    elif last.endswith(("s", "x", "ch", "sh")):
        last = last if last.endswith("s") and not last.endswith("ss") else f"{last}es"
    elif last.endswith("y") and last[-2] not in "aeiou":
        last = f"{last[:-1]}ies"
    else:
        last = f"{last}s"
    return f"{head} {last}".strip()


def many(thing: Thing) -> str:
    return plural(thing.name) if thing.countable else thing.name


def is_plural(thing: Thing) -> bool:
    return thing.countable and thing.name.split()[-1] in (
        "scissors",
        "trousers",
        "glasses",
        "pliers",
        "shorts",
        "jeans",
        "pyjamas",
    )


def at(place: str) -> str:
    """The place with its preposition: "in the kitchen", "on the beach"."""
    return f"{_PREPOSITIONS.get(place, 'in')} {place}"


def kind_of(thing: Thing) -> str:
    """Its category as a predicate: "a kitchen tool", "food"."""
    return MASS_CATEGORIES.get(thing.category) or article(thing.category)


def join(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


@dataclass(frozen=True)
class Event:
    """Somebody did something with a thing: the unit that inference and paraphrase rows compare."""

    who: Person
    verb: str
    adjective: str
    noun: str
    spot: str
    when: str

    @property
    def object(self) -> str:
        return f"the {self.adjective} {self.noun}" if self.adjective else f"the {self.noun}"

    def clause(self, order: str = "back") -> str:
        """Without a period. `order`: the time at the "back" or the "front", or the "passive" voice."""
        body = " ".join(part for part in (f"{self.who.name} {self.verb} {self.object}", self.spot) if part)
        if not self.when:
            return body
        return f"{self.when}, {body}" if order == "front" else f"{body} {self.when}"

    def sentence(self, order: str = "back") -> str:
        return f"{upper_first(self.clause(order))}."


def _with(event: Event, slot: str, value: Any) -> Event:  # noqa: ANN401 - a name or a person, as the slot has it
    changes: dict[str, Any] = {slot: value}
    return replace(event, **changes)


class EventMaker:
    """Draws events and changes them so that the meaning stays, or so that it does not."""

    def __init__(self, lexicon: Lexicon, rng: Random, synonyms: tuple[Pair, ...], antonyms: tuple[Pair, ...]) -> None:
        self.lexicon, self.rng = lexicon, rng
        self.things = tuple(t for t in lexicon.things if t.category not in NATURE and t.countable)
        self.same: dict[str, list[str]] = {}
        self.opposite: dict[str, list[str]] = {}
        for pair in synonyms:
            self.same.setdefault(pair.word, []).append(pair.other)
        for pair in antonyms:
            self.opposite.setdefault(pair.word, []).append(pair.other)
            self.opposite.setdefault(pair.other, []).append(pair.word)

    def event(self, *, full: bool = True) -> Event:
        rng = self.rng
        return Event(
            who=rng.choice(self.lexicon.people),
            verb=rng.choice(EVENT_VERBS),
            adjective=rng.choice(EVENT_ADJECTIVES) if full or rng.random() < 0.5 else "",
            noun=rng.choice(self.things).name,
            spot=rng.choice(SPOTS) if rng.random() < (0.6 if full else 0.3) else "",
            when=rng.choice(WHENS) if rng.random() < (0.6 if full else 0.3) else "",
        )

    def with_synonym(self, need: bool = True) -> Event:
        """An event of which at least one part has a synonym in this maker's split."""
        event = self.event()
        while need and not self._slots(event, self.same):
            event = self.event()
        return event

    def _slots(self, event: Event, table: dict[str, list[str]]) -> list[str]:
        return [slot for slot in ("verb", "adjective", "noun", "when") if getattr(event, slot) in table]

    def paraphrase(self, event: Event, changes: int = 2) -> Event:
        """Same meaning: up to `changes` parts replaced by synonyms."""
        slots = self._slots(event, self.same)
        self.rng.shuffle(slots)
        for slot in slots[:changes]:
            event = _with(event, slot, self.rng.choice(self.same[getattr(event, slot)]))
        return event

    def contradict(self, event: Event) -> Event:
        """Cannot be true together: an antonym where there is one, else nothing changes."""
        slots = self._slots(event, self.opposite)
        if not slots:
            return event
        slot = self.rng.choice(slots)
        return _with(event, slot, self.rng.choice(self.opposite[getattr(event, slot)]))

    def with_antonym(self) -> Event:
        event = self.event()
        while not self._slots(event, self.opposite):
            event = self.event()
        return event

    def other(self, event: Event, slot: str | None = None) -> Event:
        """Another event: one part replaced by an unrelated value."""
        filled = [name for name in ("who", "verb", "noun", "spot", "when", "adjective") if getattr(event, name)]
        slot = slot or self.rng.choice(filled)
        pools = {
            "who": self.lexicon.people, "verb": EVENT_VERBS, "adjective": EVENT_ADJECTIVES, "spot": SPOTS, "when": WHENS,
            "noun": tuple(t.name for t in self.things),
        }  # fmt: skip
        old = getattr(event, slot)
        close = {old, *self.same.get(old, ()), *self.opposite.get(old, ())} if isinstance(old, str) else {old}
        new = self.rng.choice(pools[slot])
        while new in close:
            new = self.rng.choice(pools[slot])
        return _with(event, slot, new)

    def less(self, event: Event) -> Event:
        """Follows from the event: a part left out."""
        filled = [name for name in ("adjective", "spot", "when") if getattr(event, name)]
        return _with(event, self.rng.choice(filled), "") if filled else event

    def more(self, event: Event) -> Event:
        """Does not follow: a part added that nobody mentioned."""
        empty = [name for name in ("spot", "when", "adjective") if not getattr(event, name)]
        if not empty:
            return event
        slot = self.rng.choice(empty)
        pool = {"adjective": EVENT_ADJECTIVES, "spot": SPOTS, "when": WHENS}[slot]
        return _with(event, slot, self.rng.choice(pool))
