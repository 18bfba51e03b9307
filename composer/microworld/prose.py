"""What the base model reads: facts, how-tos, opinions, words. Knowledge of the micro-world, never a task's format.

A document may mark the words that its own text decides (`marks`): the trainer weighs them more and removes the marks.
Comparisons and stories are in `scenes`, who has what in `bindings`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from composer.microworld import bindings, scenes
from composer.microworld.language import ANIMALS, LIVING, NATURE, at, is_plural, join, kind_of, many, plural
from composer.microworld.lexicon import Lexicon, Opinion, Thing, load, sample, upper_first
from composer.microworld.marks import fact

LABEL_WORDS = (
    "entailment", "neutral", "contradiction", "not entailment", "negative", "positive", "very negative", "very positive",
    "yes", "no", "different", "equivalent", "duplicate", "not duplicate", "paraphrase", "not paraphrase", "same", "true", "false", "What was the cause?", "What happened as a result?",
)  # fmt: skip
FRAME_WORDS = (
    "Premise:", "Hypothesis:", "Sentence 1:", "Sentence 2:", "Question:", "Question 1:", "Question 2:", "Answer:", "Goal:",
    "Review:", "Word:", "Passage:", "Story:", "Context:", "Cause:", "Effect:", "Statement:", "Proposed answer:", "Activity:", "Text:", "____",
)  # fmt: skip


def statements(thing: Thing, rng: Random) -> list[str]:
    """Every fact about the thing, each in one of its wordings."""
    a, name, pick = upper_first(thing.a), thing.name, rng.choice
    is_, has, are = ("are", "have", "are") if is_plural(thing) else ("is", "has", "are")
    lines = [
        pick([f"{a} {is_} {kind_of(thing)}.", f"What {is_} {thing.a}? It {is_} ⟦{kind_of(thing)}⟧."]),
        pick([f"{a} {is_} {thing.size}.", f"In size, {thing.a} {is_} ⟦{thing.size}⟧."]),
        pick([f"{a} {is_} often {thing.colour}.", f"The usual colour of {thing.a} is ⟦{thing.colour}⟧."]),
        pick([f"{a} {has} {thing.part}.", f"Part of {thing.a}: ⟦{thing.part}⟧."]),
        pick(
            [
                f"{a} {thing.trait}.",
                f"One thing {thing.trait}: ⟦{name}⟧.",
                f"Everybody knows that {thing.a} {thing.trait}.",
            ]
        ),
    ]
    where = at(thing.place)
    if thing.category in ANIMALS:
        lines.append(
            pick(
                [
                    f"{a} lives {where}.",
                    f"You can see {thing.a} {where}.",
                    f"{upper_first(where)} you may meet ⟦{thing.a}⟧.",
                ]
            )
        )
        lines.append(
            pick([f"{a} is covered in {thing.material}.", f"The body of {thing.a} is covered in ⟦{thing.material}⟧."])
        )
    elif thing.category in NATURE:
        lines.append(pick([f"You see {thing.a} {where}.", f"{upper_first(where)} you see ⟦{thing.a}⟧."]))
        lines.append(f"{a} {is_} made of {thing.material}.")
    else:
        lines.append(
            pick([
                f"You usually find {thing.a} {where}.", f"{upper_first(many(thing))} are kept {where}." if thing.countable
                else f"{a} is kept {where}.", f"Look for {thing.the} {where}.", f"{upper_first(where)} there is often ⟦{thing.a}⟧.",
            ])
        )  # fmt: skip
        lines.append(
            pick(
                [
                    f"{a} {is_} made of {thing.material}.",
                    f"{upper_first(thing.material)} is what {thing.a} {is_} made of.",
                ]
            )
        )
    if thing.shop:
        lines.append(
            pick([
                f"You can buy {thing.a} at {thing.shop}.", f"{upper_first(thing.shop)} sells {many(thing)}.",
                f"For {thing.a}, people go to ⟦{thing.shop}⟧.", f"{upper_first(many(thing))} are sold at ⟦{thing.shop}⟧.",
            ])
        )  # fmt: skip
    if thing.use:
        use = (
            [f"You need {thing.a} to {thing.use}.", f"To {thing.use}, you need ⟦{thing.a}⟧."]
            if thing.category in LIVING
            else [
                f"You use {thing.a} to {thing.use}.", f"To {thing.use}, take ⟦{thing.a}⟧.",
                f"{a} {is_} used to {thing.use}.", f"When you want to {thing.use}, use ⟦{thing.a}⟧.",
            ]
        )  # fmt: skip
        lines.append(pick(use))
    return lines


def about_a_thing(lexicon: Lexicon, rng: Random) -> str:
    lines = statements(rng.choice(lexicon.things), rng)
    rng.shuffle(lines)
    return " ".join(lines[: rng.randint(4, len(lines))])


def mixed_facts(lexicon: Lexicon, rng: Random) -> str:
    """One fact each of several things, so that a fact does not lean on its neighbours."""
    return " ".join(rng.choice(statements(thing, rng)) for thing in sample(rng, lexicon.things, rng.randint(4, 8)))


def shared_place(lexicon: Lexicon, rng: Random) -> str:
    """Things that one shop sells or one place holds."""
    first = rng.choice(lexicon.things)
    if first.shop and rng.random() < 0.6:
        mates = [t for t in lexicon.things if t.shop == first.shop]
        names = [many(t) for t in sample(rng, mates, 4)]
        return f"{upper_first(first.shop)} sells {join(names)}. So for {names[0]} you go to ⟦{first.shop}⟧, and for {names[-1]} too."
    mates = [t for t in lexicon.things if t.place == first.place]
    return f"{upper_first(at(first.place))} you find {join([t.a for t in sample(rng, mates, 4)])}."


def bigger(lexicon: Lexicon, rng: Random) -> str:
    sizes = ("tiny", "small", "medium", "large", "huge")
    a, b = sample(rng, lexicon.things, 2)
    if a.size == b.size or not (a.countable and b.countable):
        return mixed_facts(lexicon, rng)
    big, little = (a, b) if sizes.index(a.size) > sizes.index(b.size) else (b, a)
    return f"{upper_first(big.a)} is ⟦bigger⟧ than {little.a}. {upper_first(little.a)} is ⟦smaller⟧ than {big.a}."


def science(lexicon: Lexicon, rng: Random) -> str:
    return " ".join(fact.statement for fact in sample(rng, lexicon.facts, rng.randint(3, 6)))


def how_to(lexicon: Lexicon, rng: Random) -> str:
    lines = []
    for howto in sample(rng, lexicon.howtos, rng.randint(2, 4)):
        lines.append(
            rng.choice([
                f"To {howto.goal}, {howto.right}.", f"If you want to {howto.goal}, {howto.right}.",
                f"{upper_first(howto.right)} to {howto.goal}.", f"How do you {howto.goal}? You {howto.right}.",
                f"To {howto.goal}, {howto.right}, but never {howto.wrong}.",
            ])
        )  # fmt: skip
    return " ".join(lines)


def right_or_wrong(lexicon: Lexicon, rng: Random) -> str:
    """Somebody states facts, somebody who knows better judges them."""
    lines = []
    for howto in sample(rng, lexicon.howtos, 2):
        good = rng.random() < 0.5
        verdict = "a ⟦good⟧ idea" if good else "a ⟦bad⟧ idea"
        lines.append(f"To {howto.goal}, {howto.right if good else howto.wrong}: that is {verdict}.")
    for thing in sample(rng, lexicon.things, 2):
        good = rng.random() < 0.5
        claim = thing if good else rng.choice(lexicon.things)
        field = rng.choice(["place", "material"])
        good = getattr(claim, field) == getattr(thing, field)
        value = getattr(claim, field)
        text = f"you find {thing.a} {at(value)}" if field == "place" else f"{thing.a} is made of {value}"
        lines.append(f"Somebody says that {text}. That is ⟦{'right' if good else 'wrong'}⟧.")
    rng.shuffle(lines)
    return " ".join(lines)


def work(lexicon: Lexicon, rng: Random) -> str:
    lines = []
    for w in sample(rng, lexicon.workers, 3):
        a = f"{'an' if w.name[0] in 'aeiou' else 'a'} {w.name}"
        options = [f"{upper_first(a)} {w.does}.", f"{upper_first(a)} works {at(w.place)}.", f"{upper_first(a)} uses {w.tool}.",
                   f"{upper_first(a)} helps {w.helps}.", f"{upper_first(at(w.place))} works ⟦{a}⟧."]  # fmt: skip
        lines += sample(rng, options, 2)
    return " ".join(lines)


def cause_and_effect(lexicon: Lexicon, rng: Random) -> str:
    lines = []
    for item in sample(rng, lexicon.causes, 2):
        person = rng.choice(lexicon.people)
        fill = {"name": person.name, "they": person.they, "their": person.their, "them": person.them}
        cause, effect = item.cause.format(**fill), item.effect.format(**fill)
        lines.append(
            rng.choice([
                f"{cause} {effect}", f"{cause} So this happened: {effect}", f"{cause} That is why this came next: {effect}",
                f"{effect} Why? {cause}", f"{effect} It happened because of this: {cause}",
            ])
        )  # fmt: skip
    return " ".join(lines)


def opinion_sentence(opinion: Opinion, subject: str, rng: Random) -> str:
    """The opinion about a subject such as "the film"; clauses need none."""
    if opinion.kind == "adj":
        verbs = ["was", "is"] if " " in opinion.phrase else ["was", "was really", "was just", "is"]
        return f"{upper_first(subject)} {rng.choice(verbs)} {opinion.phrase}."
    if opinion.kind == "noun":
        return f"{upper_first(subject)} was {opinion.phrase}."
    if opinion.kind == "verb":
        we = "I" if opinion.phrase.startswith("was") else rng.choice(["I", "We"])
        return f"{we} {opinion.phrase} {subject}."
    return f"{upper_first(opinion.phrase)}."


SUBJECTS = {
    "film": ("the film", "the movie", "the show", "the acting", "this story"),
    "food": ("the food", "the dinner", "the soup", "the meal", "the cake"),
    "service": ("the service", "the hotel", "the shop", "the place", "the room"),
}


def review(lexicon: Lexicon, rng: Random) -> str:
    """Opinions of one leaning and what the writer does about it: how the model learns which words go together."""
    domain = rng.choice(tuple(SUBJECTS))
    level = rng.choice([-2, -1, 1, 2])
    pool = [o for o in lexicon.opinions if o.polarity == level and o.domain in ("any", domain)]
    lines = [opinion_sentence(o, rng.choice(SUBJECTS[domain]), rng) for o in sample(rng, pool, rng.randint(2, 4))]
    ends = {
        2: ["I was so ⟦happy⟧.", "It was one of the ⟦best⟧.", "I will come back ⟦soon⟧.", "I was very ⟦pleased⟧."],
        1: ["It was quite ⟦good⟧.", "I was ⟦pleased⟧.", "I may come back one day."],
        -1: ["It was not so ⟦good⟧.", "I was a little ⟦sad⟧.", "I may not come back."],
        -2: ["I was very ⟦angry⟧.", "It was one of the ⟦worst⟧.", "I will ⟦never⟧ come back.", "I was so ⟦sad⟧."],
    }
    lines.append(rng.choice(ends[level]))
    return " ".join(lines)


def mixed_review(lexicon: Lexicon, rng: Random) -> str:
    domain = rng.choice(tuple(SUBJECTS))
    pool = [o for o in lexicon.opinions if o.domain in ("any", domain)]
    good = [o for o in pool if o.polarity > 0]
    bad = [o for o in pool if o.polarity < 0]
    a = opinion_sentence(rng.choice(good), rng.choice(SUBJECTS[domain]), rng)
    b = opinion_sentence(rng.choice(bad), rng.choice(SUBJECTS[domain]), rng)
    first, second = sample(rng, [a, b], 2)
    return f"{first} But then: {second[0].lower() + second[1:] if not second.startswith('I ') else second} It was partly ⟦good⟧ and partly ⟦bad⟧."


def similar_words(lexicon: Lexicon, rng: Random) -> str:
    lines = []
    for pair in sample(rng, lexicon.synonyms, 3):
        a, b = sample(rng, [pair.word, pair.other], 2)
        lines.append(
            rng.choice([f'"{upper_first(a)}" means the ⟦same⟧ as "⟦{b}⟧".', f'Another way to say "{a}" is "⟦{b}⟧".'])
        )
    for pair in sample(rng, lexicon.antonyms, 2):
        a, b = sample(rng, [pair.word, pair.other], 2)
        lines.append(
            rng.choice([f'The ⟦opposite⟧ of "{a}" is "⟦{b}⟧".', f'"{upper_first(a)}" is ⟦not⟧ the same as "{b}".'])
        )
    rng.shuffle(lines)
    return " ".join(lines)


def one_sense(lexicon: Lexicon, rng: Random) -> str:
    """Sentences in which a word keeps one of its senses, so that the senses form two groups."""
    homonym = rng.choice(lexicon.homonyms)
    if rng.random() < 0.6:
        return " ".join(sample(rng, homonym.senses[rng.randrange(2)], rng.randint(3, 6)))
    first, second = (rng.randrange(2) for _ in range(2))
    a, b = rng.choice(homonym.senses[first]), rng.choice(homonym.senses[second])
    if a == b:
        return " ".join(sample(rng, homonym.senses[first], 4))
    verdict = "the ⟦same⟧ thing" if first == second else "⟦another⟧ thing"
    return f'{a} {b} Here "{homonym.word}" means {verdict}.'


def senses_compared(lexicon: Lexicon, rng: Random) -> str:
    """Pairs of sentences with one word, each judged: the same sense of it or another. The verdict is shown the ends of
    both sentences, and each end its word."""
    stem, yes, no = rng.choice([
        ('Here "{word}" means', "the same", "something else"), ('"{word}":', "same", "different"),
        ("Is it the same {word}?", "Yes", "No"),
    ])  # fmt: skip
    lines = []
    for number, homonym in enumerate(sample(rng, lexicon.homonyms, 3)):
        same, first = rng.random() < 0.5, rng.randrange(2)
        if same:
            one, two = sample(rng, homonym.senses[first], 2)
        else:
            one, two = rng.choice(homonym.senses[first]), rng.choice(homonym.senses[1 - first])
        one, two = (
            _tied(sentence, homonym.word, 2 * number + second, "~" * second)
            for second, sentence in enumerate((one, two))
        )
        verdict = fact(f"{stem.format(word=homonym.word)} [{yes if same else no}].", 2 * number)
        lines.append(f"{one} {two} {verdict}")
    return " ".join(lines)


def _tied(sentence: str, word: str, number: int, sign: str) -> str:
    """A sentence as statement `number`, whose end is tied to the word; `sign` stands at that end too."""
    after = sentence.lower().index(word) + len(word)
    return fact(f"{sentence[:after]}@{sentence[after:-1]}#{sign}{sentence[-1]}", number)


def words_of_the_page(lexicon: Lexicon, rng: Random) -> str:
    """Words that a later task may answer with must have been written before: a frozen embedding cannot be learned late."""
    words = sample(rng, LABEL_WORDS, 4)
    frame = sample(rng, FRAME_WORDS, 4)
    pupil = rng.choice(lexicon.people).name
    return rng.choice([
        f"{pupil} wrote these words on the board: {join(words)}.\n{frame[0]} {words[0]}\n{frame[1]} {words[1]}",
        f"{frame[0]} {words[0]}\n{frame[1]} {words[1]}\n{frame[2]} {words[2]}",
        f"{frame[0]} {rng.choice(lexicon.things).a}\n{frame[1]} {rng.choice(lexicon.things).name}\n{frame[2]} {pupil}",
    ])  # fmt: skip


Document = Callable[[Lexicon, Random], str]
KNOWLEDGE: tuple[tuple[float, Document], ...] = (
    (12, about_a_thing),
    (12, mixed_facts),
    (2, shared_place),
    (1, bigger),
    (4, science),
    (4, how_to),
    (3, right_or_wrong),
    (1.5, work),
    (5, cause_and_effect),
    (5, review),
    (1, mixed_review),
    (4, similar_words),
    (4, one_sense),
    (1.5, words_of_the_page),
)
DOCUMENTS = (
    *((1.5 * weight, maker) for weight, maker in KNOWLEDGE),
    (12, senses_compared),
    *scenes.DOCUMENTS,
    *bindings.DOCUMENTS,
)


MIXES: dict[str, tuple[tuple[float, Document], ...]] = {
    "bindings": (*bindings.FIRST, *((weight / 120, maker) for weight, maker in KNOWLEDGE)),
    "all": DOCUMENTS,
    "practice": (*KNOWLEDGE, (24, senses_compared), (4, similar_words), *scenes.PRACTICE, *bindings.PRACTICE),
}
"""Facts have their full weight everywhere: what is not read any more is forgotten."""


def documents(seed: int, mix: str = "all") -> Iterator[str]:
    """Endless prose with its marks. The same seed and mix give the same text."""
    lexicon, rng = load(), Random(seed)
    weights = [weight for weight, _ in MIXES[mix]]
    makers = [maker for _, maker in MIXES[mix]]
    while True:
        yield rng.choices(makers, weights)[0](lexicon, rng)


__all__ = ["DOCUMENTS", "MIXES", "documents", "opinion_sentence", "plural", "statements"]
