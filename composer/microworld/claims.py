"""Prose that judges: one short text, then many claims about it in a row, each with its verdict.

Comparing what was said with what is claimed is learned late and only from many examples; a page of these holds a verdict
every eight words. Both verdicts follow the same words and are equally frequent.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from composer.microworld.language import COLOURS, SPOTS, EventMaker, plural
from composer.microworld.lexicon import Lexicon, Thing, sample, upper_first
from composer.microworld.scenes import WISHES, Owner, owners

Verdict = Callable[[str, bool], str]
"""Claim (a clause without a period) and whether it holds -> the claim with its marked verdict."""

_FORMS = (
    ("{T}: {v}.", "correct", "incorrect"), ("{T}: {v}.", "true", "false"), ("{T}. {V}.", "Right", "Wrong"), ("{T}? {V}.", "Yes", "No"),
    ("Is it so that {t}? {V}.", "Yes", "No"), ("{T}. That is {v}.", "true", "false"), ("To say that {t} is {v}.", "right", "wrong"),
)  # fmt: skip


def verdicts(rng: Random) -> Verdict:
    """One wording for a whole page."""
    form, yes, no = rng.choice(_FORMS)

    def judged(claim: str, holds: bool) -> str:
        verdict = f"⟦{yes if holds else no}⟧"
        return form.format(T=upper_first(claim), t=claim, v=verdict, V=verdict)

    return judged


def same_or_not(lexicon: Lexicon, rng: Random) -> str:
    """Pairs of words or short phrases: equal or not, and nothing else."""
    form, yes, no = rng.choice([
        ("{a} and {b}: {v}.", "same", "different"), ("{a}, {b}: {v}.", "same", "different"), ("{a} = {b}? {v}.", "Yes", "No"),
        ("Is {a} the same as {b}? {v}.", "Yes", "No"), ("First {a}, then {b}. That is {v}.", "the same", "something else"),
    ])  # fmt: skip
    things = [t for t in lexicon.things if t.countable]

    def phrase(kind: int) -> str:
        if kind == 0:
            return rng.choice(lexicon.people).name
        if kind == 1:
            return f"{rng.choice(COLOURS)} {rng.choice(things).name}"
        return rng.choice(SPOTS) if kind == 2 else rng.choice(things).name

    def nearly(text: str, kind: int) -> str:
        """Another phrase; of two words, often only one changes."""
        if kind == 1 and rng.random() < 0.6:
            colour, noun = text.split(" ", 1)
            return f"{rng.choice(COLOURS)} {noun}" if rng.random() < 0.5 else f"{colour} {rng.choice(things).name}"
        return phrase(kind)

    lines, kind = [], rng.randrange(4)
    for _ in range(rng.randint(6, 10)):
        a = phrase(kind)
        b = a if rng.random() < 0.5 else nearly(a, kind)
        lines.append(form.format(a=a, b=b, v=f"⟦{yes if a == b else no}⟧"))
    return " ".join(lines)


def seen_or_new(lexicon: Lexicon, rng: Random) -> str:
    """Words one after another, or pairs of a person and a thing: has this one been there before? Judging at its densest."""
    yes, no = rng.choice([("seen", "new"), ("old", "new"), ("again", "first"), ("yes", "no"), ("true", "false")])
    people = [p.name for p in sample(rng, lexicon.people, 3)]
    things = [t.name for t in sample(rng, [t for t in lexicon.things if t.countable and " " not in t.name], 3)]
    spots = sample(rng, SPOTS, 3)
    kind = rng.randrange(4)
    if kind == 0:
        pool = [*people, *things]
    elif kind == 3:
        pool = [f"{who} was {spot}" for who in people for spot in spots]
    else:
        verb = rng.choice(["has the", "had the", "and the", "saw a"])
        people = people if kind == 1 else people[:2]
        pool = [f"{who} {verb} {thing}" for who in people for thing in things]
    mark = rng.choice([":", ":", ",", "?"])
    told: list[str] = []
    lines = []
    for _ in range(rng.randint(8, 12)):
        fresh = [text for text in pool if text not in told]
        again = bool(told) and (not fresh or rng.random() < 0.5)
        text = rng.choice(told if again else fresh)
        lines.append(f"{upper_first(text)}{mark} ⟦{yes if again else no}⟧.")
        told = told if again else [*told, text]
    return " ".join(lines)


# What is told of a person, the same as a claim, and as a question; {v} is the thing, the spot or the number.
_TELLINGS: dict[str, tuple[tuple[str, str], ...]] = {
    "item": (
        ("{n} has the {v}.", "{n} has the {v}"), ("{n} had the {v}.", "{n} had the {v}"), ("The {v} belonged to {n}.", "the {v} belonged to {n}"),
        ("{n} came with a {v}.", "{n} had the {v}"), ("The {v} belongs to {n}.", "{n} has the {v}"), ("{n} owns the {v}.", "the {v} belongs to {n}"),
    ),
    "spot": (
        ("{n} is {v}.", "{n} is {v}"), ("{n} was {v}.", "{n} was {v}"), ("{V} stood {n}.", "{n} was {v}"), ("{n} waited {v}.", "{n} was {v}"),
    ),
    "count": (("{n} had {v}.", "{n} had {v}"), ("{n} bought {v}.", "{n} had {v}"), ("{n} counted {v}.", "{n} counted {v}")),
    "thing": (("{n} has the {v}.", "{n} has the {v}"), ("{n} had the {v}.", "the {v} belonged to {n}")),
}  # fmt: skip


def _value(o: Owner, aspect: str) -> str:
    if aspect == "count":
        return f"{o.count} {plural(o.thing.name)}"
    return o.thing.name if aspect == "thing" else o.spot if aspect == "spot" else o.item


def _pairs(people: list[Owner], rng: Random, count: int) -> list[tuple[Owner, Owner]]:
    """Different pairs (who, whose value), about half of them of one person: a claim made twice would only be copied."""
    own = [(o, o) for o in people]
    crossed = [(a, b) for a in people for b in people if a is not b]
    rng.shuffle(own)
    rng.shuffle(crossed)
    return [
        (own if own and (rng.random() < 0.5 or not crossed) else crossed).pop()
        for _ in range(min(count, len(own) * len(own)))
    ]


def who_claims(lexicon: Lexicon, rng: Random) -> str:
    """Who has what or is where; then claims that give a person the own or another one's value."""
    people = owners(lexicon, rng, rng.choice([2, 2, 2, 3, 3, 4]))
    aspect = rng.choice(["thing", "item", "item", "spot", "count"])
    told, claimed = rng.choice(_TELLINGS[aspect])
    if rng.random() < 0.4:
        claimed = told[:-1].replace("The {v}", "the {v}").replace("{V}", "{v}")
    judged, values = verdicts(rng), {id(o): _value(o, aspect) for o in people}
    lines = [told.format(n=o.who.name, v=values[id(o)], V=upper_first(values[id(o)])) for o in people]
    for o, source in _pairs(people, rng, rng.randint(3, 6)):
        lines.append(judged(claimed.format(n=o.who.name, v=values[id(source)]), o is source))
    return " ".join(lines)


def look_and_judge(lexicon: Lexicon, rng: Random) -> str:
    """The look-up said aloud, before or after the verdict that rests on it."""
    people = owners(lexicon, rng, rng.choice([2, 2, 3, 3, 4]))
    aspect = rng.choice(["thing", "item", "spot"])
    told, _ = rng.choice(_TELLINGS[aspect][:2])
    lines = [told.format(n=o.who.name, v=_value(o, aspect), V=upper_first(_value(o, aspect))) for o in people]
    verb, the = ("is", "") if aspect == "spot" else ("has", "the ")
    form = rng.choice([
        "Claim: {n} {verb} {the}{c}. {n} {verb} {the}⟦{v}⟧, so the claim is ⟦{r}⟧.", "{n} {verb} {the}{c}? ⟦{y}⟧, {n} {verb} {the}⟦{v}⟧.",
        "Who {verb} {the}{c}? ⟦{w}⟧. So is it {n}? ⟦{y}⟧.", "{n} {verb} {the}{c}? It is ⟦{w}⟧ who {verb} {the}{c}: ⟦{y}⟧.",
    ])  # fmt: skip
    for o, source in _pairs(people, rng, rng.randint(3, 5)):
        lines.append(form.format(
            n=o.who.name, verb=verb, the=the, c=_value(source, aspect), v=_value(o, aspect), w=source.who.name,
            y="Yes" if o is source else "No", r="right" if o is source else "wrong",
        ))  # fmt: skip
    return " ".join(lines)


def event_claims(lexicon: Lexicon, rng: Random) -> str:
    """One event, then claims about it: parts left out, synonyms, or one part changed."""
    maker = EventMaker(lexicon, rng, lexicon.synonyms, lexicon.antonyms)
    event, judged = maker.event(full=rng.random() < 0.6), verdicts(rng)
    lines = [event.sentence(rng.choice(["back", "front"]))]
    for _ in range(rng.randint(3, 6)):
        holds = rng.random() < 0.5
        claim = maker.paraphrase(event, rng.choice([0, 0, 1, 2]))
        claim = maker.less(claim) if rng.random() < 0.5 else claim
        lines.append(judged((claim if holds else maker.other(claim)).clause(), holds))
    return " ".join(dict.fromkeys(lines))


def pronoun_claims(lexicon: Lexicon, rng: Random) -> str:
    """Who or what a pronoun stands for, judged for one candidate or both."""
    judged = verdicts(rng)
    if rng.random() < 0.5:
        x, y = (t.the for t in sample(rng, [t for t in lexicon.things if t.countable], 2))
        big = rng.random() < 0.5
        size = rng.choice(("big", "large", "wide") if big else ("small", "little", "narrow"))
        told = f"{upper_first(x)} {rng.choice(['did not fit into', 'did not go into', 'could not be put into'])} {y} because it was too {size}."
        claims = [(f"{who} was too {size}", (who == x) == big) for who in (x, y)]
    else:
        female = rng.random() < 0.5
        a, b = sample(rng, [p for p in lexicon.people if p.female == female], 2)
        thing = rng.choice([t for t in lexicon.things if t.countable]).the
        frame, said, first = rng.choice([
            ("{a} thanked {b} because {p} had helped with {t}.", "had helped with {t}", False), ("{a} said sorry to {b} because {p} had broken {t}.", "had broken {t}", True),
            ("{a} paid {b} because {p} had fixed {t}.", "had fixed {t}", False), ("{a} asked {b} for help because {p} could not lift {t}.", "could not lift {t}", True),
            ("{a} called {b} because {p} needed {t}.", "needed {t}", True), ("{a} laughed at {b} because {p} had dropped {t}.", "had dropped {t}", False),
        ])  # fmt: skip
        told = frame.format(a=a.name, b=b.name, p=a.they, t=thing)
        claims = [(f"{who.name} {said.format(t=thing)}", (who is a) == first) for who in (a, b)]
    return " ".join((told, *(judged(*claim) for claim in sample(rng, claims, rng.choice([1, 1, 2])))))


def swapped_claims(lexicon: Lexicon, rng: Random) -> str:
    """The same words in another order: who gave whom, who was where, which thing was how."""
    judged = verdicts(rng)
    people = sample(rng, lexicon.people, 2)
    a, b = (p.name for p in people)
    kind, claims = rng.randrange(3), []
    if kind == 0:
        thing = rng.choice([t for t in lexicon.things if t.countable]).the
        verb, back = rng.choice([("gave", "got"), ("sold", "bought"), ("lent", "borrowed"), ("sent", "received")])
        told = f"{a} {verb} {thing} to {b}."
        for x, y in ((a, b), (b, a)):
            claims += [
                (f"{x} {verb} {thing} to {y}", x == a),
                (f"{y} {back} {thing} from {x}", x == a),
                (f"it was {x} who {verb} {thing}", x == a),
            ]
    elif kind == 1:
        one, two = sample(rng, SPOTS, 2)
        told = f"{a} was {one} and {b} was {two}."
        for x, y in ((one, two), (two, one)):
            claims += [
                (f"{b} was {y} and {a} was {x}", x == one),
                (f"{a} was {x} and {b} was {y}", x == one),
                (f"{a} was {x}", x == one),
                (f"{b} was {y}", x == one),
            ]
    else:
        t, u = (t.name for t in sample(rng, [t for t in lexicon.things if t.countable], 2))
        c, d = sample(rng, COLOURS, 2)
        told = f"{a} saw the {c} {t} and found the {d} {u}."
        for x, y in ((c, d), (d, c)):
            claims += [
                (f"{a} found the {y} {u} and saw the {x} {t}", x == c),
                (f"the {t} was {x}", x == c),
                (f"the {u} was {y}", x == c),
            ]
    return " ".join((told, *(judged(*claim) for claim in sample(rng, claims, min(len(claims), rng.randint(3, 5))))))


def wish_claims(lexicon: Lexicon, rng: Random) -> str:
    """One question, and others that ask the same or something else."""
    thing, other = sample(rng, [t for t in lexicon.things if t.countable and t.shop], 2)
    wish, another = sample(rng, WISHES, 2)
    form, yes, no = rng.choice([
        ("{q}? {v}.", "The same", "Something else"), ("{q}: {v}.", "same", "different"), ("Is that to ask {q}? {v}.", "Yes", "No"),
    ])  # fmt: skip

    def ask(w: tuple[str, ...], t: Thing) -> str:
        return rng.choice(w).format(a=t.a, many=plural(t.name))

    lines = [f"{rng.choice(lexicon.people).name} asks {ask(wish, thing)}."]
    for _ in range(rng.randint(3, 5)):
        kind = rng.choice(["same", "same", "thing", "wish"])
        asked = ask(another if kind == "wish" else wish, other if kind == "thing" else thing)
        question = upper_first(asked) if form[0] == "{" else asked
        lines.append(form.format(q=question, v=f"⟦{yes if kind == 'same' else no}⟧"))
    return " ".join(dict.fromkeys(lines))


def questions_past(lexicon: Lexicon, rng: Random) -> str:
    """Looking up in the past tense and in changing words, every answer a span of the text."""
    people = owners(lexicon, rng, rng.choice([2, 3, 3, 4]))
    aspect = rng.choice(["item", "item", "spot", "count"])
    told = {
        "item": ("{n} had the {i}.", "{n} came with a {i}.", "The {i} belonged to {n}."),
        "spot": ("{n} was {s}.", "{S} stood {n}.", "{n} waited {s}."),
        "count": ("{n} had {c} {m}.", "{n} bought {c} {m}."),
    }[aspect]  # fmt: skip
    asked = {
        "item": ("Who had the {i}? ⟦{n}⟧.", "Whose {t} was {k}? ⟦{n}⟧.", "To whom did the {t} belong? ⟦{n}⟧.", "What did {n} have? ⟦{i}⟧.",
                 "What colour was the {t}? ⟦{k}⟧.", "It was ⟦{n}⟧ who owned the {i}.", "The {t} of ⟦{n}⟧ was {k}."),
        "spot": ("Who was {s}? ⟦{n}⟧.", "Where was {n}? ⟦{s}⟧.", "People saw ⟦{n}⟧ {s}.", "The one who was {s} was ⟦{n}⟧."),
        "count": ("Who had {c} {m}? ⟦{n}⟧.", "How many {m} did {n} have? ⟦{c}⟧.", "Who had the {m}? ⟦{n}⟧.", "What did {n} have {c} of? ⟦{m}⟧.",
                  "It was ⟦{n}⟧ who had the {c} {m}.", "The {m} of ⟦{n}⟧ were {c} in number."),
    }[aspect]  # fmt: skip

    def fill(frame: str, o: Owner) -> str:
        return frame.format(
            n=o.who.name, i=o.item, t=o.thing.name, k=o.colour, s=o.spot, S=upper_first(o.spot), c=o.count, m=plural(o.thing.name)
        )  # fmt: skip

    lines = [fill(rng.choice(told), o) for o in people]
    return " ".join((*lines, *(fill(rng.choice(asked), rng.choice(people)) for _ in range(rng.randint(3, 6)))))


DOCUMENTS = (
    (8.0, seen_or_new),
    (12.0, same_or_not),
    (34.0, who_claims),
    (12.0, look_and_judge),
    (14.0, event_claims),
    (6.0, pronoun_claims),
    (8.0, swapped_claims),
    (4.0, wish_claims),
    (26.0, questions_past),
)
FIRST = ((50.0, seen_or_new), (12.0, same_or_not), (20.0, who_claims), (10.0, questions_past), (4.0, pronoun_claims))
"""Before anything else: whether the same has been said before."""
__all__ = ["DOCUMENTS", "FIRST"]
