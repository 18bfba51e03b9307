"""Rows of two sentences to compare (inference, paraphrase, word sense) and of reviews."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from composer.microworld.language import EVENT_ADJECTIVES, EVENT_VERBS, LIVING, SPOTS, WHENS, Event, many
from composer.microworld.lexicon import Opinion, upper_first
from composer.microworld.prose import SUBJECTS, opinion_sentence
from composer.microworld.world import World

Row = dict[str, Any]
ENTAILMENT, NEUTRAL, CONTRADICTION = "entailment", "neutral", "contradiction"
MNLI = (ENTAILMENT, NEUTRAL, CONTRADICTION)
CB = (ENTAILMENT, CONTRADICTION, NEUTRAL)


# --- inference -------------------------------------------------------------------------------------------------------


def _claim(w: World, relation: str) -> tuple[Event, Event]:
    """An event and another that follows from it, cannot be true with it, or is left open by it."""
    maker = w.events
    if relation == CONTRADICTION:
        event = maker.with_antonym()
        return event, maker.contradict(event)
    if relation == ENTAILMENT:
        event = maker.with_synonym(need=w.coin(0.6))
        return event, maker.paraphrase(maker.less(event) if w.coin(0.7) else event, 1)
    event = maker.event(full=False)
    changed = maker.more(event)
    return (event, changed) if changed != event else _claim(w, NEUTRAL)


def mnli(w: World) -> Row:
    label = w.rng.randrange(3)
    event, claim = _claim(w, MNLI[label])
    premise = w.rng.choice([f"{event.sentence()}", f"{event.sentence('front')}", f"Well, {event.clause()}."])
    return {"premise": premise, "hypothesis": claim.sentence(), "label": label}


def mnli_mm(w: World) -> Row:
    """The same relations in genres that no training row has: a letter, a report, a call."""
    label = w.rng.choice(range(3))
    event, claim = _claim(w, MNLI[label])
    premise = w.rng.choice([
        f"Dear friend, you will laugh: {event.clause()}.", f"According to the report, {event.clause()}.",
        f"Hello, it is me again. Guess what: {event.clause()}!", f"Chapter one. {event.sentence()} The door closed.",
    ])  # fmt: skip
    return {"premise": premise, "hypothesis": claim.sentence(), "label": label}


def rte(w: World) -> Row:
    """A short news text; the hypothesis repeats one of its events in other words, or changes one part of it."""
    label, rng = w.rng.randrange(2), w.rng
    event, filler = w.events.with_synonym(), w.events.event()
    claim = (
        w.events.paraphrase(w.events.less(event), 1)
        if label == 0
        else w.events.other(w.events.paraphrase(event, rng.choice([0, 1])))
    )
    lines = [event.sentence(rng.choice(["back", "front"])), filler.sentence()]
    rng.shuffle(lines)
    source = rng.choice(["The newspaper wrote:", "News from the town:", "The radio reported:", "From our reporter:"])
    return {"premise": f"{source} {' '.join(lines)}", "hypothesis": claim.sentence(), "label": label}


_CERTAIN = ("knows", "saw", "remembers", "is glad", "noticed", "proved")
_FALSE = ("only dreamed", "pretends", "wrongly thinks", "lied", "never believed", "denies")
_OPEN = ("hopes", "guesses", "thinks", "was told", "wonders, perhaps,", "says, maybe jokingly,")


def cb(w: World) -> Row:
    """Whether the speaker is committed to an embedded clause."""
    label, rng = w.rng.randrange(3), w.rng
    a, b = w.persons(2)
    event = w.events.event(full=False)
    verb = rng.choice({ENTAILMENT: _CERTAIN, CONTRADICTION: _FALSE, NEUTRAL: _OPEN}[CB[label]])
    premise = rng.choice([
        f"{a.name}: How was your day? {b.name}: Fine. You know, {rng.choice([a, b]).name} {verb} that {event.clause()}.",
        f"{a.name}: Any news? {b.name}: Well, our neighbour {verb} that {event.clause()}. {a.name}: I see.",
        f"We talked for an hour. {b.name} {verb} that {event.clause()}.",
    ])  # fmt: skip
    return {"premise": premise, "hypothesis": event.clause(), "label": label}


_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def anli_r3(w: World) -> Row:
    """Longer premises and a hypothesis that needs a count, a who or a when to be put together."""
    label, rng = w.rng.randrange(3), w.rng
    a, b = w.persons(2)
    thing = w.countable()
    low, high = sorted(rng.sample(range(1, 10), 2))
    premise = (
        f"{a.name} had {_WORDS[high]} {many(thing)} and {b.name} had {_WORDS[low]}. {w.events.event(full=False).sentence()} "
        f"Nobody said what the {many(thing)} cost."
    )
    true = [f"{a.name} had more {many(thing)} than {b.name}.", f"{b.name} had fewer {many(thing)} than {a.name}.",
            f"{b.name} did not have as many {many(thing)} as {a.name}."]  # fmt: skip
    false = [f"{b.name} had more {many(thing)} than {a.name}.", f"{a.name} had fewer {many(thing)} than {b.name}.",
             f"{a.name} did not have as many {many(thing)} as {b.name}."]  # fmt: skip
    unknown = [f"{rng.choice([a, b]).name} paid too much for the {many(thing)}.", f"The {many(thing)} of {rng.choice([a, b]).name} were cheap.",
               f"{a.name} got the {many(thing)} from {b.name}.", f"{rng.choice([a, b]).name} liked the {many(thing)}."]  # fmt: skip
    return {"premise": premise, "hypothesis": rng.choice((true, unknown, false)[label]), "label": label}


def wnli(w: World) -> Row:
    """The pronoun of the first sentence replaced by one of the two candidates."""
    rng, label = w.rng, w.rng.randrange(2)
    if w.coin():
        x, y = rng.sample([t for t in w.things if t.countable], 2)
        big = w.coin()
        verb = rng.choice(["did not fit into", "did not go into", "could not be put into"])
        size = rng.choice(["big", "large", "wide"] if big else ["small", "little", "narrow"])
        right, wrong = (x, y) if big else (y, x)
        first = f"{upper_first(x.the)} {verb} {y.the} because it was too {size}."
        second = f"{upper_first((right if label else wrong).the)} was too {size}."
    else:
        female = w.coin()  # one gender, so that the pronoun alone does not tell
        a, b = rng.sample([p for p in w.all.people if p.female == female], 2)
        thing = w.countable()
        told, claim, who = rng.choice([
            (f"{a.name} thanked {b.name} because {b.they} had helped with {thing.the}.", "had helped with {}", b),
            (f"{a.name} said sorry to {b.name} because {a.they} had broken {thing.the}.", "had broken {}", a),
            (f"{a.name} paid {b.name} because {b.they} had fixed {thing.the}.", "had fixed {}", b),
            (f"{a.name} asked {b.name} for help because {a.they} could not lift {thing.the}.", "could not lift {}", a),
            (f"{a.name} called {b.name} because {a.they} needed {thing.the}.", "needed {}", a),
        ])  # fmt: skip
        other = b if who is a else a
        first, second = told, f"{(who if label else other).name} {claim.format(thing.the)}."
    return {"sentence1": first, "sentence2": second, "label": label}


# --- paraphrase ------------------------------------------------------------------------------------------------------


def mrpc(w: World) -> Row:
    """Two reports of one event in other words, or of two events that share most words."""
    label, rng = w.rng.randrange(2), w.rng
    event = w.events.with_synonym()
    second = w.events.paraphrase(event, 2)
    if not label:
        second = w.events.other(
            w.events.paraphrase(event, rng.choice([0, 1])), rng.choice(["who", "noun", "verb", None])
        )
    return {
        "sentence1": f"{event.sentence('back')}", "sentence2": f"{second.sentence(rng.choice(['back', 'front']))}", "label": label,
    }  # fmt: skip


_INTENTS: tuple[tuple[str, ...], ...] = (
    ("Where can I buy {a}?", "Which shop sells {many}?", "Where do people buy {many}?", "In which shop do I get {a}?"),
    ("What is {a} made of?", "Which material is used for {many}?", "What are {many} made from?"),
    ("What can I do with {a}?", "What do people use {many} for?", "What is {a} good for?"),
    ("How much does {a} cost?", "What is the price of {a}?", "Are {many} expensive?"),
    ("How do I clean {a}?", "What is the best way to wash {a}?", "How can I get {a} clean?"),
    ("Where should I keep {a}?", "What is a good place to store {many}?", "Where do I put {a} at home?"),
    ("Who invented {the_many}?", "Who made the first {name}?", "From whom do we have the first {name}?"),
)


def qqp(w: World) -> Row:
    """The same question asked twice, or another thing, or another question about the same thing."""
    label, rng = w.rng.randrange(2), w.rng
    goods = [t for t in w.things if t.countable and t.shop and t.category not in LIVING]
    thing, intent = rng.choice(goods), rng.choice(_INTENTS)
    one, two = rng.sample(intent, 2)
    other = thing
    if not label:
        if w.coin():
            other = rng.choice([t for t in goods if t is not thing])
        else:
            two = rng.choice(rng.choice([i for i in _INTENTS if i is not intent]))
    fill = [{"a": t.a, "many": many(t), "the_many": many(t), "name": t.name} for t in (thing, other)]
    return {"question1": one.format(**fill[0]), "question2": two.format(**fill[1]), "label": label}


def paws(w: World) -> Row:
    """The same words in another order: the meaning stays or turns around."""
    label, rng = w.rng.randrange(2), w.rng
    a, b = w.persons(2)
    thing, other = rng.sample([t for t in w.things if t.countable], 2)
    kind = rng.randrange(3)
    if kind == 0:
        verb, back = rng.choice([("gave", "got"), ("sold", "bought"), ("lent", "borrowed"), ("sent", "received")])
        first = f"{a.name} {verb} {thing.the} to {b.name}."
        x, y = (a, b) if label else (b, a)
        second = rng.choice(
            [
                f"{y.name} {back} {thing.the} from {x.name}.",
                f"{upper_first(thing.the)}: {x.name} {verb} it to {y.name}.",
            ]
        )
    elif kind == 1:
        spots, whens = rng.sample(SPOTS, 2), rng.sample(WHENS, 2)
        first = f"{whens[0].capitalize()}, {a.name} was {spots[0]} and {b.name} was {spots[1]}."
        swap = spots if label else spots[::-1]
        second = f"{b.name} was {swap[1]} and {a.name} was {swap[0]} {whens[0]}."
    else:
        verbs, adjectives = rng.sample(EVENT_VERBS, 2), rng.sample(EVENT_ADJECTIVES, 2)
        swap = adjectives if label else adjectives[::-1]
        first = f"{a.name} {verbs[0]} the {adjectives[0]} {thing.name} and {verbs[1]} the {adjectives[1]} {other.name}."
        second = f"{a.name} {verbs[1]} the {swap[1]} {other.name} and {verbs[0]} the {swap[0]} {thing.name}."
    return {"sentence1": first, "sentence2": second, "label": label}


# --- sentiment -------------------------------------------------------------------------------------------------------


def _opinions(w: World, domain: str, levels: tuple[int, ...], count: int) -> list[str]:
    pool: list[Opinion] = [o for o in w.opinions if o.polarity in levels and o.domain in ("any", domain)]
    return [
        opinion_sentence(o, w.rng.choice(SUBJECTS[domain]), w.rng) for o in w.rng.sample(pool, min(count, len(pool)))
    ]


def sst2(w: World) -> Row:
    """A phrase from a film review, in lower case."""
    label, rng = w.rng.randrange(2), w.rng
    (sentence,) = _opinions(w, "film", (1, 2) if label else (-1, -2), 1)
    text = sentence.lower().rstrip(".")
    return {
        "sentence": rng.choice([text, f"all in all , {text}", f"{text} , from start to end", f"in short , {text}"]),
        "label": label,
    }


def yelp(w: World) -> Row:
    """A review of a restaurant, hotel or shop with one to five stars; three stars praise and blame in turn."""
    rng, label = w.rng, w.rng.randrange(5)
    domain = rng.choice(["food", "service"])
    person = w.person()
    start = rng.choice(
        [
            f"I came here with {person.name}.",
            f"{person.name} told me about this place.",
            "We stopped here for an hour.",
            "It was our first visit.",
        ]
    )
    if label == 2:
        lines = [*_opinions(w, domain, (1, 2), 1), *_opinions(w, domain, (-1, -2), 1)]
        rng.shuffle(lines)
    else:
        lines = _opinions(w, domain, ((-2,), (-1,), (), (1,), (2,))[label], rng.randint(2, 3))
    return {"text": " ".join((start, *lines)), "label": label}


def imdb(w: World) -> Row:
    """A longer film review, good or bad throughout."""
    label, person = w.rng.randrange(2), w.person()
    lines = _opinions(w, "film", (1, 2) if label else (-1, -2), w.rng.randint(3, 4))
    start = w.rng.choice(
        [
            f"I saw this with {person.name} last night.",
            f"{person.name} and I watched it twice.",
            "I had waited long for it.",
        ]
    )
    return {"text": " ".join((start, *lines)), "label": label}


# --- word sense ------------------------------------------------------------------------------------------------------


def wic(w: World) -> Row:
    """One word in two sentences: the same sense or another."""
    rng, label = w.rng, w.rng.randrange(2)
    homonym = rng.choice(w.homonyms)
    sense = rng.randrange(2)
    if label:
        one, two = rng.sample(homonym.senses[sense], 2)
    else:
        one, two = rng.choice(homonym.senses[sense]), rng.choice(homonym.senses[1 - sense])
    starts = [s.lower().find(homonym.word) for s in (one, two)]
    return {
        "word": homonym.word, "sentence1": one, "sentence2": two, "label": label, "start1": starts[0], "start2": starts[1],
        "end1": starts[0] + len(homonym.word), "end2": starts[1] + len(homonym.word),
    }  # fmt: skip


MAKERS: dict[str, Callable[[World], Row]] = {
    "mnli": mnli, "mnli_mm": mnli_mm, "rte": rte, "cb": cb, "anli_r3": anli_r3, "wnli": wnli, "mrpc": mrpc, "qqp": qqp,
    "paws": paws, "sst2": sst2, "yelp": yelp, "imdb": imdb, "wic": wic,
}  # fmt: skip
