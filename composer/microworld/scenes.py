"""Prose that compares two sentences, and stories: what is the same, what follows, how things go.

Who has what, and which claim about it is right, is in `bindings`.
"""

from __future__ import annotations

from random import Random

from composer.microworld.language import EventMaker, at, join, plural
from composer.microworld.lexicon import Lexicon, sample, upper_first


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


def _verdict(rng: Random, same: bool) -> str:
    stem, yes, no = rng.choice(_VERDICTS)
    return f"{stem}⟦{yes if same else no}⟧."


def two_tellers(lexicon: Lexicon, rng: Random) -> str:
    """Two people tell of an event; the verdict depends on every word."""
    maker = EventMaker(lexicon, rng, lexicon.synonyms, lexicon.antonyms)
    event = maker.event(full=rng.random() < 0.4)
    same = rng.random() < 0.5
    version = (
        maker.paraphrase(event, rng.choice([0, 0, 1, 2]))
        if same
        else maker.other(maker.paraphrase(event, rng.choice([0, 0, 1])))
    )
    a, b = sample(rng, lexicon.people, 2)
    first, second = event.clause(), version.clause(rng.choice(["back", "back", "front"]))
    frame = rng.choice([
        f"{a.name} says: {first}. {b.name} says: {second}.", f"{a.name} thinks that {first}. {b.name} thinks that {second}.",
        f"{upper_first(first)}. {upper_first(second)}.", f"We heard that {first}. Then we heard that {second}.",
    ])  # fmt: skip
    return f"{frame} {_verdict(rng, same)}"


_WISHES = (
    ("where to buy {a}", "which shop has {many}"), ("what {a} is made of", "which material {many} are made of"),
    ("what {a} is for", "what to do with {a}"), ("how to clean {a}", "how {many} get clean"), ("where to keep {a}", "where {many} belong"),
    ("what {a} costs", "how expensive {many} are"),
)  # fmt: skip


def two_askers(lexicon: Lexicon, rng: Random) -> str:
    """Two people want to know something: the same, or another thing, or something else about it."""
    a, b = sample(rng, lexicon.people, 2)
    thing, other = sample(rng, [t for t in lexicon.things if t.countable and t.shop], 2)
    wish, another = sample(rng, _WISHES, 2)
    kind = rng.choice(["same", "same", "thing", "wish"])
    second = (another if kind == "wish" else wish, other if kind == "thing" else thing)
    asked = [rng.choice(w).format(a=t.a, many=plural(t.name)) for w, t in ((wish, thing), second)]
    return f"{a.name} wants to know {asked[0]}. {b.name} wants to know {asked[1]}. {_verdict(rng, kind == 'same')}"


def what_follows(lexicon: Lexicon, rng: Random) -> str:
    """What is certain, impossible, or open after a sentence."""
    maker = EventMaker(lexicon, rng, lexicon.synonyms, lexicon.antonyms)
    kind = rng.randrange(3)
    if kind == 0:
        event = maker.event()
        claim = maker.paraphrase(maker.less(event) if rng.random() < 0.7 else event, rng.choice([0, 1]))
    elif kind == 1:
        event = maker.with_antonym()
        claim = maker.contradict(event)
    else:
        event = maker.event(full=False)
        claim = maker.more(event)
        kind = 0 if claim == event else kind
    stem, *verdicts = rng.choice([
        (f"Is it true that {claim.clause()}?", "Yes", "No", "Maybe"), (f"Then {claim.clause()}: that is", "certain", "impossible", "possible"),
        (f"Can we say that {claim.clause()}?", "Surely", "Never", "Perhaps"),
    ])  # fmt: skip
    return f"{event.sentence()} {stem} ⟦{verdicts[kind]}⟧."


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
    (3.0, packed_twice),
    (14.0, two_tellers),
    (7.0, two_askers),
    (9.0, what_follows),
    (3.0, believing),
    (9.0, story),
    (6.0, why_and_then),
)
