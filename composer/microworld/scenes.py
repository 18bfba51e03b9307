"""Prose that compares two sentences, and stories: what is the same, what follows, how things go.

Who has what, and which claim about it is right, is in `bindings`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from random import Random

from composer.microworld.language import Event, EventMaker, at, join, plural
from composer.microworld.lexicon import Lexicon, Person, sample, upper_first
from composer.microworld.marks import FACTS, fact


def packed_twice(lexicon: Lexicon, rng: Random) -> str:
    """A list read out again: the plainest copying."""
    person = rng.choice(lexicon.people)
    things = [t.a for t in sample(rng, [t for t in lexicon.things if t.countable], rng.randint(3, 5))]
    verb = rng.choice(["packed", "bought", "saw", "drew"])
    again = things if rng.random() < 0.5 else things[:-1]
    return f"{person.name} {verb} {join(things)}. {upper_first(person.they)} looked again: ⟦{join(again)}⟧."


# Both verdicts follow the same words, so that the verdict itself is what has to be worked out.
_VERDICTS = (
    ("Do they agree? ", "Yes", "No"), ("Is that the same story? ", "Yes", "No"), ("So the two are ", "equal", "not equal"),
    ("What they say is ", "the same", "different"), ("Their stories ", "agree", "differ"), ("That is ", "the same", "something else"),
)  # fmt: skip


_NO_FACT = FACTS - 1  # no single statement decides; what two sentences differ in may be pointed out


def _verdict(stem: str, verdict: str) -> str:
    return fact(f"{stem}[{verdict}].", _NO_FACT)


def _pointed(before: Event, after: Event) -> Event:
    """`after`, with a mark behind the part that `before` has otherwise or not at all."""
    changed = [field.name for field in fields(Event) if getattr(before, field.name) != getattr(after, field.name)]
    for slot in changed[:1]:
        value = getattr(after, slot)
        if value:
            marked = (
                replace(value, name=fact(f"{value.name}%", 0)) if isinstance(value, Person) else fact(f"{value}%", 0)
            )
            changes: dict[str, Person | str] = {slot: marked}
            after = replace(after, **changes)  # type: ignore[arg-type]
    return after


def _version(maker: EventMaker, event: Event, same: bool, synonyms: Sequence[int]) -> Event:
    """The event in other words, or another event that shares most of them."""
    told = maker.paraphrase(event, maker.rng.choice(synonyms))
    return told if same else _pointed(told, maker.other(told))


def _maker(lexicon: Lexicon, rng: Random) -> EventMaker:
    return EventMaker(lexicon, rng, lexicon.synonyms, lexicon.antonyms)


def two_tellers(lexicon: Lexicon, rng: Random) -> str:
    """Two people tell of an event; the verdict depends on every word."""
    maker = _maker(lexicon, rng)
    event = maker.event(full=rng.random() < 0.4)
    same = rng.random() < 0.5
    version = _version(maker, event, same, (0, 0, 1, 2) if same else (0, 0, 1))
    a, b = sample(rng, lexicon.people, 2)
    first, second = event.clause(), version.clause(rng.choice(["back", "back", "front"]))
    frame = rng.choice([
        f"{a.name} says: {first}. {b.name} says: {second}.", f"{a.name} thinks that {first}. {b.name} thinks that {second}.",
        f"{upper_first(first)}. {upper_first(second)}.", f"We heard that {first}. Then we heard that {second}.",
    ])  # fmt: skip
    stem, yes, no = rng.choice(_VERDICTS)
    return f"{frame} {_verdict(stem, yes if same else no)}"


def retold(lexicon: Lexicon, rng: Random) -> str:
    """An event, told again three times, each time judged."""
    maker = _maker(lexicon, rng)
    event = maker.with_synonym(need=rng.random() < 0.5)
    stem, yes, no = rng.choice([*_VERDICTS, ("", "Same", "Different"), ("", "Yes", "No")])
    lines = [event.sentence(rng.choice(["back", "front"]))]
    for _ in range(3):
        same = rng.random() < 0.5
        version = _version(maker, event, same, (0, 1, 1, 2) if same else (0, 0, 1))
        lines.append(f"{version.sentence(rng.choice(['back', 'front']))} {_verdict(stem, yes if same else no)}")
    return " ".join(lines)


_WISHES = (
    ("where to buy {a}", "which shop has {many}"), ("what {a} is made of", "which material {many} are made of"),
    ("what {a} is for", "what to do with {a}"), ("how to clean {a}", "how {many} get clean"), ("where to keep {a}", "where {many} belong"),
    ("what {a} costs", "how expensive {many} are"),
)  # fmt: skip


def two_askers(lexicon: Lexicon, rng: Random) -> str:
    """Two people want to know something: the same, or of another thing, or something else of it."""
    a, b = sample(rng, lexicon.people, 2)
    thing, other = sample(rng, [t for t in lexicon.things if t.countable and t.shop], 2)
    wish, another = sample(rng, _WISHES, 2)
    kind = rng.choice(["same", "same", "thing", "wish"])
    one, two = sample(rng, wish, 2) if rng.random() < 0.5 else (rng.choice(wish), rng.choice(wish))
    sign = fact("%", 0)
    asked = one.format(a=thing.a, many=plural(thing.name))
    again = {
        "same": two.format(a=thing.a, many=plural(thing.name)),
        "thing": two.format(a=other.a + sign, many=plural(other.name) + sign),
        "wish": rng.choice(another).format(a=thing.a, many=plural(thing.name)) + sign,
    }[kind]
    stem, yes, no = rng.choice(_VERDICTS)
    return f"{a.name} wants to know {asked}. {b.name} wants to know {again}. {_verdict(stem, yes if kind == 'same' else no)}"


def _claim(maker: EventMaker, event: Event, kind: int) -> tuple[Event, int]:
    """What is certain (0), impossible (1) or open (2) after the event, and which of them it is in the end."""
    rng = maker.rng
    if kind == 1:
        against = maker.contradict(event)
        if against != event:
            return _pointed(event, against), 1
    if kind == 2:
        more = maker.more(event)
        if more != event:
            return _pointed(event, more), 2
    return maker.paraphrase(maker.less(event) if rng.random() < 0.7 else event, rng.choice([0, 1])), 0


_FOLLOWS = (
    ("Is it true that {claim}? ", "Yes", "No", "Maybe"), ("Then {claim}: that is ", "certain", "impossible", "possible"),
    ("Can we say that {claim}? ", "Surely", "Never", "Perhaps"), ("{Claim}. ", "True", "False", "Unknown"),
)  # fmt: skip


def what_follows(lexicon: Lexicon, rng: Random) -> str:
    """What is certain, impossible, or open after a sentence; one to three claims about it."""
    maker = _maker(lexicon, rng)
    event = maker.with_antonym() if rng.random() < 0.6 else maker.event(full=False)
    stem, *verdicts = rng.choice(_FOLLOWS)
    lines = [event.sentence()]
    for kind in sample(rng, (0, 1, 2), rng.randint(1, 3)):
        claim, kind = _claim(maker, event, kind)
        said = stem.format(claim=claim.clause(), Claim=upper_first(claim.clause()))
        lines.append(_verdict(said, verdicts[kind]))
    return " ".join(lines)


def believing(lexicon: Lexicon, rng: Random) -> str:
    """Verbs that make what follows true, false or open."""
    maker = EventMaker(lexicon, rng, lexicon.synonyms, lexicon.antonyms)
    event, person = maker.event(full=False), rng.choice(lexicon.people)
    kind = rng.randrange(3)
    verbs = (
        ("knows", "saw", "remembers", "is glad", "forgot", "noticed", "proved"),
        ("only dreamed", "pretends", "wrongly thinks", "lied", "denies", "never believed"),
        ("hopes", "guesses", "thinks", "heard", "was told", "says"),
    )[kind]
    stem, *ends = rng.choice([
        ("Did it happen?", "Yes", "No", "Maybe"), ("That it happened is", "certain", "impossible", "possible"),
    ])  # fmt: skip
    return f"{person.name} {rng.choice(verbs)} that {event.clause()}. {stem} ⟦{ends[kind]}⟧."


_GOES_WELL = (
    "{name} was careful.", "{name} was very careful.", "Everything went well.", "There was no problem at all.", "{name} made no mistake.",
    "All went as planned.",
)  # fmt: skip
_GOES_WRONG = (
    "{name} was not careful.", "Then something went wrong.", "There was a big problem.", "{name} made a mistake.", "It did not go as planned.",
)  # fmt: skip


def story(lexicon: Lexicon, rng: Random) -> str:
    """A script told from wish to feeling, sometimes with steps left out."""
    script, person = rng.choice(lexicon.scripts), rng.choice(lexicon.people)
    good = rng.random() < 0.6
    steps = [s for s in script.steps if rng.random() < 0.75] or list(script.steps[:2])
    lines = [rng.choice([
        f"{person.name} wanted to {script.title} because {script.reason}.", f"{person.name} wanted to {script.title}.",
        f"One day, {script.reason}. So {person.name} decided to {script.title}.",
    ])]  # fmt: skip
    if rng.random() < 0.3:
        lines.append(f"{upper_first(person.they)} was {at(script.place) if ' ' in script.place else script.place}.")
    subject = [person.name if rng.random() < 0.2 else upper_first(person.they) for _ in range(9)]
    lines += [f"{s} {step}." for s, step in zip(subject, steps, strict=False)]
    if rng.random() < 0.6:
        lines.append(rng.choice(_GOES_WELL if good else _GOES_WRONG).format(name=person.name))
    lines.append(f"{upper_first(person.they)} {script.good_end if good else script.bad_end}.")
    if rng.random() < 0.7:
        lines.append(f"{person.name} was {script.feeling if good else script.bad_feeling}.")
    if good and rng.random() < 0.4:
        lines.append(f"After that, {person.they} {script.next}.")
    return " ".join(lines)


def why_and_then(lexicon: Lexicon, rng: Random) -> str:
    """The reasons and consequences of scripts, told apart from the story."""
    lines = []
    for script in sample(rng, lexicon.scripts, 2):
        person = rng.choice(lexicon.people)
        lines.append(rng.choice([
            f"Why did {person.name} want to {script.title}? Because {script.reason}.",
            f"To {script.title}, {person.name} {script.steps[0]} and then {script.steps[1]}.",
            f"When {person.name} wanted to {script.title}, {person.they} {rng.choice(script.steps)}.",
            f"{person.name} {script.good_end}. That made {person.them} {script.feeling}. Later {person.they} {script.next}.",
            f"{person.name} {script.steps[0]} and {script.steps[-1]}. Why? Because {script.reason}.",
            f"{person.name} {script.steps[1]}. What did {person.they} want? To {script.title}.",
            f"{person.name} {script.good_end}. What next? {upper_first(person.they)} {script.next}.",
            f"{person.name} {script.bad_end}. That made {person.them} {script.bad_feeling}.",
        ]))  # fmt: skip
    return " ".join(lines)


DOCUMENTS = (
    (2.0, packed_twice),
    (8.0, two_tellers),
    (10.0, retold),
    (10.0, two_askers),
    (9.0, what_follows),
    (3.0, believing),
    (9.0, story),
    (6.0, why_and_then),
)
PRACTICE = (
    (8.0, two_tellers),
    (20.0, retold),
    (16.0, two_askers),
    (14.0, what_follows),
    (4.0, believing),
    (6.0, story),
    (4.0, why_and_then),
)
"""What forms last, at a higher dose."""
