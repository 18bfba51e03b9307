"""Rows of squad, boolq, multirc and record: answers that stand in the passage and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from composer.microworld.language import COLOURS, NUMBERS, SPOTS, plural
from composer.microworld.lexicon import article, upper_first
from composer.microworld.owner import Owner
from composer.microworld.world import World

Row = dict[str, Any]


_OPENINGS = (
    "It was a quiet day.", "The sun was shining.", "It had rained all night.", "School was over.", "It was the day of the market.",
    "Everybody was busy.", "The week had just begun.", "Lunch was over.", "There was a party in the street.", "It was cold outside.",
)  # fmt: skip


def _parts(w: World, count: int) -> list[Owner]:
    rng = w.rng
    things = rng.sample([t for t in w.things if t.countable], count)
    return [
        Owner(*values)
        for values in zip(w.persons(count), things, rng.sample(COLOURS, count), rng.sample(SPOTS, count), rng.sample(NUMBERS, count), strict=True)
    ]  # fmt: skip


def _passage(w: World, parts: list[Owner], aspect: str) -> str:
    """One or two sentences a person, after an opening that says nothing of them."""
    rng, lines = w.rng, [w.rng.choice(_OPENINGS)]
    for p in parts:
        name = p.who.name
        if aspect == "thing":
            lines.append(rng.choice([f"{name} had {article(p.item)}.", f"{name} came with {article(p.item)}.", f"{upper_first(article(p.item))} belonged to {name}."]))  # fmt: skip
        elif aspect == "spot":
            lines.append(
                rng.choice(
                    [f"{name} was {p.spot}.", f"{upper_first(p.spot)} stood {name}.", f"{name} waited {p.spot}."]
                )
            )
        else:
            lines.append(
                rng.choice(
                    [
                        f"{name} had {p.count} {plural(p.thing.name)}.",
                        f"{name} bought {p.count} {plural(p.thing.name)}.",
                    ]
                )
            )
    return " ".join(lines)


def _scene(w: World) -> tuple[str, list[Owner], Owner, str]:
    """Aspect, people, the one who is asked about, passage."""
    aspect = w.rng.choice(["thing", "thing", "spot", "count"])
    parts = _parts(w, w.rng.randint(2, 4))
    return aspect, parts, w.rng.choice(parts), _passage(w, parts, aspect)


def _question(w: World, aspect: str, p: Owner) -> tuple[str, str]:
    """A question about the part and its answer, a span of the passage."""
    rng, name = w.rng, p.who.name
    if aspect == "thing":
        return rng.choice([
            (f"Who had the {p.item}?", name), (f"Whose {p.thing.name} was {p.colour}?", name), (f"To whom did the {p.thing.name} belong?", name),
            (f"What did {name} have?", p.item), (f"What colour was the {p.thing.name}?", p.colour),
        ])  # fmt: skip
    if aspect == "spot":
        return rng.choice([(f"Who was {p.spot}?", name), (f"Where was {name}?", p.spot)])
    return rng.choice([
        (f"Who had {p.count} {plural(p.thing.name)}?", name), (f"How many {plural(p.thing.name)} did {name} have?", p.count),
        (f"Who had the {plural(p.thing.name)}?", name), (f"What did {name} have {p.count} of?", plural(p.thing.name)),
    ])  # fmt: skip


def squad(w: World) -> Row:
    aspect, _, part, context = _scene(w)
    question, answer = _question(w, aspect, part)
    start = context.lower().find(answer.lower())
    if start < 0:
        raise ValueError(f"the answer {answer!r} is not in its passage")
    span = context[start : start + len(answer)]
    return {
        "title": "The street",
        "context": context,
        "question": question,
        "answers": {"text": [span], "answer_start": [start]},
    }


def _rival(w: World, parts: list[Owner], part: Owner) -> Owner:
    return w.rng.choice([p for p in parts if p is not part])


def boolq(w: World) -> Row:
    """Lower case and no question mark, as people type into a search box."""
    aspect, parts, part, passage = _scene(w)
    yes, rival, name = w.coin(), _rival(w, parts, part), part.who.name
    if aspect == "thing":
        asked = part if yes else rival
        question = w.rng.choice([
            f"did {name} have the {asked.thing.name}", f"did the {asked.thing.name} belong to {name}", f"was the {part.thing.name} {asked.colour}",
        ])  # fmt: skip
    elif aspect == "spot":
        question = f"was {name} {(part if yes else rival).spot}"
    else:
        question = f"did {name} have {(part if yes else rival).count} {plural(part.thing.name)}"
    return {"question": question, "passage": passage, "label": int(yes)}


def multirc(w: World) -> Row:
    aspect, parts, part, paragraph = _scene(w)
    question, answer = _question(w, aspect, part)
    yes, rival = w.coin(), _rival(w, parts, part)
    wrong = {
        part.who.name: rival.who.name, part.item: rival.item, part.colour: rival.colour, part.spot: rival.spot,
        part.count: rival.count, plural(part.thing.name): plural(rival.thing.name),
    }  # fmt: skip
    return {"paragraph": paragraph, "question": question, "answer": answer if yes else wrong[answer], "label": int(yes)}


def record(w: World) -> Row:
    """Fill in the name. The passage repeats no sentence of the query."""
    aspect = w.rng.choice(["thing", "spot", "count"])
    parts = _parts(w, w.rng.randint(2, 4))
    part, passage = w.rng.choice(parts), _passage(w, parts, aspect)
    query = {
        "thing": w.rng.choice([f"The {part.item} was owned by @placeholder.", f"The {part.thing.name} of @placeholder was {part.colour}."]),
        "spot": w.rng.choice([f"People saw @placeholder {part.spot}.", f"The one who was {part.spot} was @placeholder."]),
        "count": w.rng.choice([f"The {plural(part.thing.name)} of @placeholder were {part.count} in number.", f"It was @placeholder who had the {part.count} {plural(part.thing.name)}."]),
    }[aspect]  # fmt: skip
    return {"passage": passage, "query": query, "entities": [p.who.name for p in parts], "answers": [part.who.name]}


MAKERS: dict[str, Callable[[World], Row]] = {"squad": squad, "boolq": boolq, "multirc": multirc, "record": record}
