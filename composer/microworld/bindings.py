"""Prose about who has what, where and how many: told once, then looked up and judged again and again.

Looking something up in the text at hand is the skill that reading, coreference and swapped words need, and the slowest to
form in a small model. So these documents hold a decided word every few tokens, and say where each is decided (`marks`).
"""

from __future__ import annotations

from random import Random

from composer.microworld.language import COLOURS, EVENT_ADJECTIVES, EVENT_VERBS, NUMBERS, SPOTS, WHENS, plural
from composer.microworld.lexicon import Lexicon, sample, upper_first
from composer.microworld.marks import fact
from composer.microworld.owner import Owner


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


_TOLD = {
    "thing": (
        "{name}@ has {a}#.", "{name}@ had {a}#.", "{name}@ owns {a}#.", "{name}@ came with {a}#.", "{name}@ took {a}#.",
        "{A}@ belongs to {name}#.", "{A}@ belonged to {name}#.",
    ),
    "spot": ("{name}@ is {spot}#.", "{name}@ was {spot}#.", "{name}@ waited {spot}#.", "{Spot}@ stood {name}#.", "{Spot}@ we see {name}#."),
    "count": ("{name}@ has {count} {many}#.", "{name}@ had {count} {many}#.", "{name}@ bought {count} {many}#.", "{name}@ counted {count} {many}#."),
}  # fmt: skip
_ASKED = {
    "thing": (
        "Who has the {thing}^? [{name}].", "Who had the {item}^? [{name}].", "The {thing}^ belongs to [{name}].",
        "To whom did the {thing}^ belong? To [{name}].", "Whose {thing}^ was {colour}? It was [{name}]'s.", "{name}^ has the [{item}].",
        "What did {name}^ have? The [{item}].", "What does {name}^ have? The [{item}].", "The {thing}^ is [{colour}].",
        "What colour was the {thing}^? It was [{colour}].", "The {item}^ was owned by [{name}].", "The {thing} of {name}^ was [{colour}].",
        "Who has something {colour}^? [{name}].", "{name}^: [{item}].", "The {thing}^: [{name}].", "The owner of the {thing}^ is [{name}].",
    ),
    "spot": (
        "Who is {spot}^? [{name}].", "Who was {spot}^? [{name}].", "{name}^ is [{spot}].", "Where was {name}^? [{Spot}].",
        "People saw {name}^ [{spot}].", "The one who was {spot}^ was [{name}].", "{name}^: [{spot}].", "{Spot}^: [{name}].",
    ),
    "count": (
        "Who has {count} {many}^? [{name}].", "Who had the {many}^? [{name}].", "{name}^ has [{count}] {many}.",
        "How many {many} did {name}^ have? [{count}].", "The {many}^ of {name} were [{count}].", "The {many}^ belong to [{name}].",
        "What did {name}^ have? Some [{many}].", "{name}^: [{count}].", "It was [{name}] who had the {many}.",
    ),
}  # fmt: skip
# {name} is asked about; the words of whom the claim is right for are {v...}. The statement that decides is the latter's.
_CLAIMS = {
    "thing": (
        ("Does {name}~ have the {vthing}^?", "{name}~ has the {vthing}^."), ("Did {name}~ have the {vthing}^?", "{name}~ had the {vitem}^."),
        ("Did the {vthing}^ belong to {name}~?", "The {vthing}^ belonged to {name}~."),
        ("Is the {vthing}^ {colour}~?", "The {vthing}^ is {colour}~."), ("Was the {vthing}^ {colour}~?", "The {vthing}^ was {colour}~."),
    ),
    "spot": (("Is {name}~ {vspot}^?", "{name}~ is {vspot}^."), ("Was {name}~ {vspot}^?", "{name}~ was {vspot}^.")),
    "count": (("Does {name}~ have {vcount}^?", "{name}~ has {vcount}^."), ("Did {name}~ count {vcount}^?", "{name}~ counted {vcount}^.")),
}  # fmt: skip
_JUDGED = (
    ("{Q} [{verdict}].", "Yes", "No"), ("{S} [{verdict}].", "True", "False"), ("{S} That is [{verdict}].", "right", "wrong"),
    ("{Q} The answer is [{verdict}].", "yes", "no"), ("Somebody says: {S} It is [{verdict}].", "true", "false"),
)  # fmt: skip
# The question is about {v...}, as above, and the answer that somebody proposes is this person's.
_PROPOSED = {
    "thing": (
        "Who has the {vthing}^? {name}~", "Who had the {vitem}^? {name}~", "Whose {vthing}^ was {vcolour}? {name}~",
        "To whom did the {vthing}^ belong? {name}~", "What did {vname}^ have? {item}~", "What does {vname}^ have? {item}~",
        "What colour was the {vthing}^? {colour}~", "What colour is the {vthing}^? {colour}~",
    ),
    "spot": ("Who is {vspot}^? {name}~", "Who was {vspot}^? {name}~", "Where is {vname}^? {spot}~", "Where was {vname}^? {spot}~"),
    "count": (
        "Who has {vcount} {vmany}^? {name}~", "Who had the {vmany}^? {name}~", "How many {vmany} did {vname}^ have? {count}~",
        "How many {vmany}^ were there? {count}~", "What did {vname}^ have {vcount} of? {many}~",
    ),
}  # fmt: skip
_WEIGHED = (
    ("{P}? [{verdict}].", "Yes", "No"), ("{P}. [{verdict}].", "True", "False"), ("{P}. That is [{verdict}].", "right", "wrong"),
    ("{P}, somebody says: [{verdict}].", "right", "wrong"), ("{P}: is that the answer? [{verdict}].", "Yes", "No"),
)  # fmt: skip
_OPENINGS = (
    "It was a quiet day.", "The sun was shining.", "It had rained all night.", "School was over.", "Everybody was busy.", "It was cold outside.",
    "They met after lunch.", "There was a lot to do.",
)  # fmt: skip


def _told(people: list[Owner], rng: Random, aspect: str) -> list[str]:
    """One statement a person, mostly in one wording."""
    frames = _TOLD[aspect] if rng.random() < 0.4 else (rng.choice(_TOLD[aspect]),)
    lines = [fact(o.fill(rng.choice(frames)), number) for number, o in enumerate(people)]
    return [rng.choice(_OPENINGS), *lines] if rng.random() < 0.2 else lines


def _scene(lexicon: Lexicon, rng: Random, most: int) -> tuple[list[Owner], str, list[str]]:
    people = owners(lexicon, rng, rng.randint(2, most))
    aspect = rng.choice(["thing", "thing", "spot", "count"])
    return people, aspect, _told(people, rng, aspect)


def looked_up(lexicon: Lexicon, rng: Random) -> str:
    """Statements, then one to three kinds of questions about them, in rounds."""
    people, aspect, lines = _scene(lexicon, rng, 5)
    frames = sample(rng, _ASKED[aspect], rng.choice([1, 1, 2, 3]))
    for _ in range(max(1, round(8 / len(people)))):
        order = sample(rng, range(len(people)), max(2, len(people) - 1))
        lines += [fact(people[number].fill(rng.choice(frames)), number) for number in order]
    return " ".join(lines)


def _claims(rng: Random, count: int, most: int) -> list[tuple[int, int]]:
    """Different pairs (who is asked about, whom it is true of), half of them of one person: a claim that came twice could
    be answered by copying the first verdict."""
    right = [(n, n) for n in range(count)]
    wrong = [(a, b) for a in range(count) for b in range(count) if a != b]
    each = min(count, -(-most // 2))
    pairs = [*sample(rng, right, each), *sample(rng, wrong, each)]
    rng.shuffle(pairs)
    return pairs[:most]


def judged(lexicon: Lexicon, rng: Random) -> str:
    """Statements, then claims about them in one wording, each judged; half are right."""
    people, aspect, lines = _scene(lexicon, rng, 4)
    question, statement = rng.choice(_CLAIMS[aspect])
    frame, yes, no = rng.choice(_JUDGED)
    frame = frame.replace("{Q}", question).replace("{S}", statement)
    return " ".join([*lines, *_verdicts(people, rng, frame, yes, no)])


def proposed(lexicon: Lexicon, rng: Random) -> str:
    """Statements, then one question about each of several people with an answer that is proposed and judged."""
    people, aspect, lines = _scene(lexicon, rng, 4)
    frame, yes, no = rng.choice(_WEIGHED)
    frame = frame.replace("{P}", rng.choice(_PROPOSED[aspect]))
    return " ".join([*lines, *_verdicts(people, rng, frame, yes, no)])


def _verdicts(people: list[Owner], rng: Random, frame: str, yes: str, no: str) -> list[str]:
    """Claims in one wording, each judged; half are right."""
    return [
        fact(people[asked].fill(frame.replace("{verdict}", yes if asked == meant else no), people[meant]), meant)
        for asked, meant in _claims(rng, len(people), 5)
    ]


def looked_up_and_judged(lexicon: Lexicon, rng: Random) -> str:
    """A question with its answer, then a claim about the same: what a verdict is made of."""
    people, aspect, lines = _scene(lexicon, rng, 3)
    who = {
        "thing": "Who has the {thing}^? [{name}].",
        "spot": "Who is {spot}^? [{name}].",
        "count": "Who has {count}^? [{name}].",
    }[aspect]
    claim = {
        "thing": "Does {name}~ have the {vthing}^?",
        "spot": "Is {name}~ {vspot}^?",
        "count": "Does {name}~ have {vcount}^?",
    }[aspect]
    for asked, meant in _claims(rng, len(people), 4):
        lines.append(fact(people[meant].fill(who), meant))
        lines.append(fact(f"{people[asked].fill(claim, people[meant])} [{'Yes' if asked == meant else 'No'}].", meant))
    return " ".join(lines)


def swapped(lexicon: Lexicon, rng: Random) -> str:
    """Sentences of two parts, each told again in another order, with the parts as they were or exchanged, and judged."""
    form, yes, no = rng.choice([
        ("{said} [{verdict}].", "Same", "Different"), ("{said} That means [{verdict}].", "the same", "something else"),
        ("{said} Is that the same? [{verdict}].", "Yes", "No"), ("{said} Equal? [{verdict}].", "Yes", "No"),
    ])  # fmt: skip
    lines = []
    for number in range(0, 6, 2):
        same = rng.random() < 0.5
        first, again, deciding = rng.choice([_two_places, _two_things, _given])(lexicon, rng, same, number)
        lines += [first, fact(form.format(said=again, verdict=yes if same else no), deciding)]
    return " ".join(lines)


def _two_places(lexicon: Lexicon, rng: Random, same: bool, number: int) -> tuple[str, str, int]:
    """A sentence of two statements (`number` and the next), the same told again, and the statement that decides."""
    (a, b), when, spots = sample(rng, lexicon.people, 2), rng.choice(WHENS), sample(rng, SPOTS, 2)
    first = fact(f"{upper_first(when)}, {a.name}@ was {spots[0]}#", number) + fact(
        f" and {b.name}@ was {spots[1]}#.", number + 1
    )
    of_b, of_a = (spots[1], spots[0]) if same else spots
    return first, f"{b.name} was {of_b} and {a.name}~ was {of_a}^ {when}.", number + spots.index(of_a)


def _two_things(lexicon: Lexicon, rng: Random, same: bool, number: int) -> tuple[str, str, int]:
    x, y = sample(rng, [t for t in lexicon.things if t.countable], 2)
    name, verbs, looks = rng.choice(lexicon.people).name, sample(rng, EVENT_VERBS, 2), sample(rng, EVENT_ADJECTIVES, 2)
    first = fact(f"{name} {verbs[0]} the {looks[0]}@ {x.name}#", number)
    first += fact(f" and {verbs[1]} the {looks[1]}@ {y.name}#.", number + 1)
    of_y, of_x = (looks[1], looks[0]) if same else looks
    return first, f"{name} {verbs[1]} the {of_y} {y.name} and {verbs[0]} the {of_x}~ {x.name}^.", number


_HANDED = (("gave", "got"), ("sold", "bought"), ("lent", "borrowed"), ("sent", "received"))


def _given(lexicon: Lexicon, rng: Random, same: bool, number: int) -> tuple[str, str, int]:
    (a, b), (verb, back) = sample(rng, lexicon.people, 2), rng.choice(_HANDED)
    thing = rng.choice([t for t in lexicon.things if t.countable])
    giver, taker = (a, b) if same else (b, a)
    again = rng.choice([
        f"{taker.name}~ {back} {thing.the} from {giver.name}^.", f"{upper_first(thing.the)}: {giver.name}^ {verb} it to {taker.name}~.",
    ])  # fmt: skip
    return fact(f"{a.name}@ {verb} {thing.the} to {b.name}#.", number), again, number


def handed_on(lexicon: Lexicon, rng: Random) -> str:
    """Who gave and who got, of two people each: asked both ways."""
    lines, (verb, back) = [], rng.choice(_HANDED)
    people = sample(rng, lexicon.people, 4)
    things = sample(rng, [t for t in lexicon.things if t.countable], 2)
    pairs = [(people[0], people[1], things[0]), (people[2], people[3], things[1])]
    lines = [fact(f"{a.name}@ {verb} {t.the} to {b.name}#.", n) for n, (a, b, t) in enumerate(pairs)]
    for _ in range(5):
        n = rng.randrange(2)
        a, b, t = pairs[n]
        lines.append(fact(rng.choice([
            f"{b.name}^ {back} {t.the} from [{a.name}].", f"Who {back} {t.the}^? [{b.name}].", f"Who {verb} {t.the}^? [{a.name}].",
            f"{upper_first(t.the)}^ came from [{a.name}].", f"{upper_first(t.the)}^ went to [{b.name}].",
        ]), n))  # fmt: skip
    return " ".join(lines)


_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def more_or_fewer(lexicon: Lexicon, rng: Random) -> str:
    """Two people's numbers compared, in both directions."""
    a, b = sample(rng, lexicon.people, 2)
    many = plural(rng.choice([t for t in lexicon.things if t.countable]).name)
    low, high = sorted(rng.sample(range(1, 10), 2))
    more, fewer = (a, b) if rng.random() < 0.5 else (b, a)
    count = {more: _WORDS[high], fewer: _WORDS[low]}
    lines = [f"{a.name} had {count[a]} {many} and {b.name} had {count[b]}."]
    for _ in range(4):
        x, y = rng.choice([(more, fewer), (fewer, more)])
        said = rng.choice([
            (f"{x.name} had ⟦{'more' if x is more else 'fewer'}⟧ {many} than {y.name}.", None), (f"Who had {'more' if x is more else 'fewer'}? ⟦{x.name}⟧.", None),
            (f"{x.name} had more {many} than {y.name}.", x is more), (f"{x.name} had fewer {many} than {y.name}.", x is fewer),
            (f"{x.name} did not have as many {many} as {y.name}.", x is fewer),
        ])  # fmt: skip
        lines.append(said[0] if said[1] is None else f"{said[0]} ⟦{'True' if said[1] else 'False'}⟧.")
    return " ".join(lines)


def which_one(lexicon: Lexicon, rng: Random) -> str:
    """What "it" is, of two things, or who "he" or "she" is, of two people; then a claim about it."""
    yes, no = rng.choice([("True", "False"), ("Yes", "No"), ("Right", "Wrong")])
    lines = []
    for number in range(2):
        told, names, right, rest = rng.choice([_too_big, _one_of_two])(lexicon, rng)
        lines.append(fact(told, number))
        if rng.random() < 0.5:
            asked = "What" if rest.startswith("was too") else "Who"
            lines.append(fact(f"{asked} {rest}? [{upper_first(names[right])}].", number))
        good = rng.random() < 0.5
        said = f"{upper_first(names[right if good else 1 - right])}~ {rest}. [{yes if good else no}]."
        lines.append(fact(said, number))
    return " ".join(lines)


def _too_big(lexicon: Lexicon, rng: Random) -> tuple[str, tuple[str, str], int, str]:
    """A sentence in which the right one is pointed out, the two that "it" may be, which of them it is, and what is
    said of it."""
    x, y = sample(rng, [t for t in lexicon.things if t.countable], 2)
    right = rng.randrange(2)
    size = rng.choice(["small", "little", "narrow"] if right else ["big", "large", "wide"])
    verb = rng.choice(["did not fit into", "did not go into", "could not be put into"])
    first, second = (x.the, f"{y.the}#") if right else (f"{x.the}#", y.the)
    return f"{upper_first(first)} {verb} {second} because it was too {size}.", (x.the, y.the), right, f"was too {size}"


def _one_of_two(lexicon: Lexicon, rng: Random) -> tuple[str, tuple[str, str], int, str]:
    a, b = sample(rng, lexicon.people, 2)
    thing = rng.choice([t for t in lexicon.things if t.countable]).the
    start, rest, right = rng.choice([
        ("{a} thanked {b}", f"had helped with {thing}", 1), ("{a} said sorry to {b}", f"had broken {thing}", 0),
        ("{a} paid {b}", f"had fixed {thing}", 1), ("{a} asked {b} for help", f"could not lift {thing}", 0),
        ("{a} called {b}", f"needed {thing}", 0), ("{a} laughed at {b}", "had told a joke", 1),
    ])  # fmt: skip
    names = (a.name, b.name)
    told = start.format(a=a.name + "#" * (right == 0), b=b.name + "#" * (right == 1))
    return f"{told} because {(a, b)[right].they} {rest}.", names, right, rest


DOCUMENTS = (
    (24.0, looked_up),
    (18.0, judged),
    (12.0, proposed),
    (8.0, looked_up_and_judged),
    (12.0, swapped),
    (6.0, handed_on),
    (2.0, more_or_fewer),
    (12.0, which_one),
)
PRACTICE = (
    (8.0, looked_up),
    (22.0, judged),
    (22.0, proposed),
    (8.0, looked_up_and_judged),
    (16.0, swapped),
    (4.0, handed_on),
    (2.0, more_or_fewer),
    (16.0, which_one),
)
"""What forms last, at a higher dose."""
FIRST = ((1.0, looked_up), (0.2, handed_on))
"""What the model learns first of all."""
