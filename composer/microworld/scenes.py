"""Prose whose words are decided by the text itself: who has what, retellings, agreement, stories.

From it a small model learns to copy within its context and to compare two sentences, which most tasks need.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from composer.microworld.language import COLOURS, NUMBERS, SPOTS, Event, EventMaker, at, join, plural
from composer.microworld.lexicon import Lexicon, Person, Thing, article, sample, upper_first


@dataclass(frozen=True)
class Owner:
    """One person of a scene with a thing, its colour, a place and a number."""

    who: Person
    thing: Thing
    colour: str
    spot: str
    count: str

    @property
    def item(self) -> str:
        return f"{self.colour} {self.thing.name}"


def owners(lexicon: Lexicon, rng: Random, count: int) -> list[Owner]:
    """Different people, things, colours and places."""
    things = [t for t in lexicon.things if t.countable]
    return [
        Owner(*parts)
        for parts in zip(
            sample(rng, lexicon.people, count), sample(rng, things, count), sample(rng, COLOURS, count),
            sample(rng, SPOTS, count), sample(rng, NUMBERS, count), strict=True,
        )
    ]  # fmt: skip


def tell(o: Owner, rng: Random, aspect: str) -> str:
    """A sentence that gives the aspect ("thing", "spot" or "count") of a person."""
    if aspect == "thing":
        return rng.choice([f"{o.who.name} has {article(o.item)}.", f"{o.who.name} owns {article(o.item)}.",
                           f"{upper_first(article(o.item))} belongs to {o.who.name}."])  # fmt: skip
    if aspect == "spot":
        return rng.choice([f"{o.who.name} is {o.spot}.", f"{upper_first(o.spot)} we see {o.who.name}."])
    return f"{o.who.name} has {o.count} {plural(o.thing.name)}."


def retell(o: Owner, rng: Random, aspect: str, owners_: list[Owner]) -> str:
    """The same again in other words, the copied part marked; or a question about it with the right answer."""
    other = rng.choice([x for x in owners_ if x is not o])
    name = o.who.name
    if aspect == "thing":
        return rng.choice([
            f"So {name} has the ⟦{o.item}⟧.", f"The {o.thing.name} of {name} is ⟦{o.colour}⟧.", f"The {o.thing.name} belongs to ⟦{name}⟧.",
            f"The owner of the {o.item} is ⟦{name}⟧.", f"Who has the {o.thing.name}? ⟦{name}⟧ has it.",
            f"What does {name} have? The ⟦{o.item}⟧.", f"The {o.thing.name} does not belong to {other.who.name} but to ⟦{name}⟧.",
            f"Does {name} have the {o.thing.name}? ⟦Yes⟧.", f"Does {other.who.name} have the {o.thing.name}? ⟦No⟧, ⟦{name}⟧ has it.",
            f"Is the {o.thing.name} {o.colour}? ⟦Yes⟧.", f"Is the {o.thing.name} {other.colour}? ⟦No⟧, it is ⟦{o.colour}⟧.",
        ])  # fmt: skip
    if aspect == "spot":
        return rng.choice([
            f"{name} is ⟦{o.spot}⟧.", f"Who is {o.spot}? ⟦{name}⟧.", f"Where is {name}? {upper_first(o.spot.split(' ', 1)[0])} ⟦{o.spot.split(' ', 1)[1]}⟧.",
            f"Is {name} {o.spot}? ⟦Yes⟧.", f"Is {name} {other.spot}? ⟦No⟧, {name} is ⟦{o.spot}⟧.",
        ])  # fmt: skip
    return rng.choice([
        f"How many {plural(o.thing.name)} does {name} have? ⟦{upper_first(o.count)}⟧.", f"{name} counts ⟦{o.count}⟧ {plural(o.thing.name)}.",
        f"Does {name} have {o.count} {plural(o.thing.name)}? ⟦Yes⟧.",
        f"Does {name} have {other.count} {plural(o.thing.name)}? ⟦No⟧, {name} has ⟦{o.count}⟧.",
    ])  # fmt: skip


def who_has_what(lexicon: Lexicon, rng: Random) -> str:
    people = owners(lexicon, rng, rng.choice([2, 2, 3, 3, 4]))
    aspect = rng.choice(["thing", "thing", "spot", "count"])
    told = [tell(o, rng, aspect) for o in people]
    again = [retell(o, rng, aspect, people) for o in sample(rng, people, rng.randint(2, len(people)))]
    return " ".join((*told, *again))


def many_questions(lexicon: Lexicon, rng: Random) -> str:
    """One kind of sentence, then one kind of question about everybody in turn: looking things up, at its densest."""
    people = owners(lexicon, rng, rng.choice([2, 3, 3, 4, 4, 5]))
    told = rng.choice(
        [
            "{name} has {a}.",
            "{name} owns {a}.",
            "{A} belongs to {name}.",
            "{name} has {count} {many}.",
            "{name} is {spot}.",
        ]
    )
    asked = rng.choice({
        "count": ["Who has {count} {many}? ⟦{name}⟧.", "{name} has ⟦{count}⟧ {many}.", "The {many} of {name} are ⟦{count}⟧."],
        "spot": ["Who is {spot}? ⟦{name}⟧.", "{name} is ⟦{spot}⟧."],
        "a": [
            "Who has the {thing}? ⟦{name}⟧.", "The {thing} belongs to ⟦{name}⟧.", "{name} has the ⟦{item}⟧.", "The {thing} is ⟦{colour}⟧.",
            "Whose is the {thing}? It is ⟦{name}⟧'s.", "What does {name} have? The ⟦{item}⟧.", "Who has something {colour}? ⟦{name}⟧.",
        ],
    }["count" if "{count}" in told else "spot" if "{spot}" in told else "a"])  # fmt: skip

    def filled(frame: str, o: Owner) -> str:
        a = article(o.item)
        return frame.format(
            name=o.who.name, a=a, A=upper_first(a), thing=o.thing.name, item=o.item, colour=o.colour, count=o.count,
            many=plural(o.thing.name), spot=o.spot,
        )  # fmt: skip

    again = sample(rng, people, len(people))
    return " ".join((*(filled(told, o) for o in people), *(filled(asked, o) for o in again)))


def true_or_not(lexicon: Lexicon, rng: Random) -> str:
    """One kind of sentence, then claims about it in the same words, each judged."""
    people = owners(lexicon, rng, rng.choice([2, 2, 3]))
    aspect = rng.choice(["item", "spot", "count"])
    frames = {"item": ("{name} has the {v}.", "does {name} have the {v}"), "spot": ("{name} is {v}.", "is {name} {v}"),
              "count": ("{name} counted {v}.", "did {name} count {v}")}[aspect]  # fmt: skip
    values = [getattr(o, aspect) for o in people]
    told = [frames[0].format(name=o.who.name, v=v) for o, v in zip(people, values, strict=True)]
    stem, yes, no = rng.choice(
        [("{Q}?", "Yes", "No"), ("Claim: {T} That is", "right", "wrong"), ("Claim: {T} It is", "true", "false")]
    )
    claims = []
    for _ in range(4):
        o, good = rng.choice(people), rng.random() < 0.5
        value = getattr(o if good else rng.choice([x for x in people if x is not o]), aspect)
        question = frames[1].format(name=o.who.name, v=value)
        said = stem.format(Q=upper_first(question), T=frames[0].format(name=o.who.name, v=value))
        claims.append(f"{said} ⟦{yes if good else no}⟧.")
    return " ".join((*told, *claims))


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


def giving(lexicon: Lexicon, rng: Random) -> str:
    """Who gave and who got: the same words in another order mean something else."""
    lines = []
    people = sample(rng, lexicon.people, 4)
    for a, b in (people[:2], people[2:]):
        thing = rng.choice([t for t in lexicon.things if t.countable])
        verb, back = rng.choice([("gave", "got"), ("sold", "bought"), ("lent", "borrowed"), ("sent", "received")])
        told = f"{a.name} {verb} {thing.the} to {b.name}."
        again = rng.choice([
            f"So {b.name} {back} {thing.the} from ⟦{a.name}⟧.", f"{upper_first(thing.the)} came from ⟦{a.name}⟧ and went to ⟦{b.name}⟧.",
            f"Who {back} {thing.the}? ⟦{b.name}⟧.", f"Who {verb} {thing.the}? ⟦{a.name}⟧.",
            f"Did {b.name} {dict(gave='give', sold='sell', lent='lend', sent='send')[verb]} {thing.the}? ⟦No⟧, ⟦{a.name}⟧ did.",
        ])  # fmt: skip
        if rng.random() < 0.3:
            same = rng.random() < 0.5
            x, y = (a, b) if same else (b, a)
            again = f"{y.name} {back} {thing.the} from {x.name}. {_verdict(rng, same)}"
        lines.append(f"{told} {again}")
    return " ".join(lines)


def fitting(lexicon: Lexicon, rng: Random) -> str:
    """What "it" is: a thing does not go into another because one of them is too big or too small."""
    a, b = sample(rng, [t for t in lexicon.things if t.countable], 2)
    big = rng.random() < 0.5
    verb = rng.choice(["did not fit into", "did not go into", "could not be put into"])
    size, other = ("big", "small") if big else ("small", "big")
    subject = a if big else b
    return (
        f"{upper_first(a.the)} {verb} {b.the} because it was too {size}. What was too {size}? ⟦{upper_first(subject.the)}⟧. "
        f"So {subject.the} was too {size} and {(b if big else a).the} was too {other}."
    )


def thanking(lexicon: Lexicon, rng: Random) -> str:
    """Who "he" or "she" is, by what the verb implies."""
    a, b = sample(rng, lexicon.people, 2)
    thing = rng.choice([t for t in lexicon.things if t.countable])
    first, second, who, back = rng.choice([
        (f"{a.name} thanked {b.name}", "had helped", b, "helped"), (f"{a.name} said sorry to {b.name}", f"had broken {thing.the}", a, f"broke {thing.the}"),
        (f"{a.name} paid {b.name}", f"had fixed {thing.the}", b, f"fixed {thing.the}"), (f"{a.name} asked {b.name} for help", f"could not lift {thing.the}", a, f"could not lift {thing.the}"),
        (f"{a.name} laughed at {b.name}", "had told a joke", b, "told a joke"), (f"{a.name} called {b.name}", "needed a ride", a, "needed a ride"),
    ])  # fmt: skip
    return f"{first} because {who.they} {second}. Who {back}? ⟦{who.name}⟧ {back}."


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
            f"{person.name} {script.bad_end}. That made {person.them} {script.bad_feeling}.",
        ]))  # fmt: skip
    return " ".join(lines)


DOCUMENTS = (
    (14.0, many_questions),
    (10.0, true_or_not),
    (12.0, who_has_what),
    (3.0, packed_twice),
    (14.0, two_tellers),
    (9.0, what_follows),
    (8.0, giving),
    (3.0, fitting),
    (4.0, thanking),
    (2.0, believing),
    (7.0, story),
    (3.0, why_and_then),
)
# What forms last, at a higher dose: looking up, judging a claim, comparing.
PRACTICE = (
    (30.0, many_questions),
    (28.0, true_or_not),
    (10.0, who_has_what),
    (18.0, two_tellers),
    (12.0, two_askers),
    (12.0, giving),
    (4.0, what_follows),
)
__all__ = ["DOCUMENTS", "PRACTICE", "Event", "Owner", "owners", "tell"]
