"""Rows of commonsense_qa, piqa, copa, cosmos_qa, hellaswag, story_cloze and openbookqa: what the lexicon knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from composer.microworld.language import LIVING, NATURE, at, is_plural, many
from composer.microworld.lexicon import Person, Script, Thing, upper_first
from composer.microworld.world import LETTERS, World

Row = dict[str, Any]


def _choices(options: list[str]) -> dict[str, list[str]]:
    return {"label": list(LETTERS[: len(options)]), "text": options}


def _asked(w: World) -> tuple[str, str, list[str], Thing]:
    """Question, right answer, pool of wrong ones, and the thing that it is about."""
    thing, rng = w.rng.choice(w.things), w.rng
    everything = w.all.things
    do, is_, have = ("do", "are", "have") if is_plural(thing) else ("does", "is", "have")
    kinds = ["size", "material", "part", "place", "trait"]
    if thing.shop:
        kinds += ["shop", "shop", "shop"]
    if thing.use and thing.category not in LIVING:
        kinds += ["use", "with", "with"] if thing in w.with_use else ["use"]
    kind = rng.choice(kinds)
    a, name = thing.a, many(thing)
    person = w.person()
    if kind == "shop":
        question = rng.choice([f"Where can I buy {a}?", f"Where would you go to buy {a}?", f"Which shop sells {name}?", f"{person.name} wants to buy {a}. Where should {person.they} go?"])  # fmt: skip
        return question, thing.shop, [t.shop for t in everything], thing
    if kind == "use":
        question = rng.choice(
            [f"What do you use {a} for?", f"What can you do with {a}?", f"Why would somebody need {a}?"]
        )
        return (
            question,
            f"to {thing.use}",
            [f"to {t.use}" for t in everything if t.use and t.category != thing.category],
            thing,
        )
    if kind == "with":
        question = rng.choice([f"What do you need to {thing.use}?", f"What would help you to {thing.use}?", f"{person.name} wants to {thing.use}. What is needed?"])  # fmt: skip
        wrong = [t.a for t in everything if t.use != thing.use and t.category not in (thing.category, *NATURE)]
        return question, a, wrong, thing
    if kind == "place":
        verb = "live" if thing.category in LIVING else "belong"
        question = rng.choice(
            [f"Where {do} {a} {verb}?", f"Where are you likely to find {a}?", f"Where would you look for {a}?"]
        )
        return question, at(thing.place), [at(t.place) for t in everything], thing
    if kind == "material":
        question = f"What {is_} {a} made of?" if thing.category not in LIVING else f"What covers {a}?"
        return question, thing.material, [t.material for t in everything if t.category != thing.category], thing
    if kind == "part":
        return f"What {do} {a} {have}?", thing.part, [t.part for t in everything if t.category != thing.category], thing
    if kind == "size":
        return f"How big {is_} {a}?", thing.size, ["tiny", "small", "medium", "large", "huge"], thing
    others = [t.a for t in everything if t.category != thing.category and t.trait != thing.trait]
    return f"What {thing.trait}?", a, others, thing


def commonsense_qa(w: World) -> Row:
    question, gold, pool, thing = _asked(w)
    options, index = w.place_gold(gold, w.others(gold, pool, 4))
    return {
        "question": question,
        "question_concept": thing.name,
        "choices": _choices(options),
        "answerKey": LETTERS[index],
    }


def openbookqa(w: World) -> Row:
    rng = w.rng
    if w.coin(0.5):
        fact = rng.choice(w.facts)
        gold, wrong, stem = fact.answer, list(fact.distractors), fact.question
    else:
        thing = rng.choice(w.things)
        stem = rng.choice(
            [f"Which of these {thing.trait}?", f"Something that {thing.trait} is", f"It {thing.trait}. What is it?"]
        )
        gold, wrong = thing.a, w.others(thing.a, [t.a for t in w.all.things if t.category != thing.category], 3)
    options, index = w.place_gold(gold, wrong)
    return {"question_stem": stem, "choices": _choices(options), "answerKey": LETTERS[index]}


def piqa(w: World) -> Row:
    rng = w.rng
    if w.coin(0.6):
        howto = rng.choice(w.howtos)
        goal, right, wrong = howto.goal, howto.right, howto.wrong
        goal = rng.choice([f"To {goal},", f"How do I {goal}?", goal])
    else:
        thing = rng.choice([t for t in w.with_goal if t.category not in LIVING])
        other = rng.choice(
            [t for t in w.all.things if t.use != thing.use and t.category not in (thing.category, *NATURE)]
        )
        verb = rng.choice(["use", "take", "get"])
        goal = rng.choice([f"To {thing.use},", f"How do I {thing.use}?", thing.use])
        right, wrong = f"{verb} {thing.a}", f"{verb} {other.a}"
    options, label = w.place_gold(right, [wrong])
    return {"goal": upper_first(goal), "sol1": options[0], "sol2": options[1], "label": label}


def copa(w: World) -> Row:
    asked = w.rng.choice(["cause", "effect"])
    item = w.rng.choice(w.causes)
    other = w.rng.choice([c for c in w.all.causes if c is not item])
    person = w.person()
    premise, right, wrong = (
        (item.effect, item.cause, other.cause) if asked == "cause" else (item.cause, item.effect, other.effect)
    )
    options, label = w.place_gold(_filled(right, person), [_filled(wrong, person)])
    return {
        "premise": _filled(premise, person),
        "choice1": options[0],
        "choice2": options[1],
        "question": asked,
        "label": label,
    }


def _filled(text: str, person: Person) -> str:
    return text.format(name=person.name, they=person.they, their=person.their, them=person.them)


def _told(w: World, script: Script, person: Person, count: int) -> list[str]:
    """The first `count` steps as sentences."""
    subjects = [person.name, *[upper_first(person.they)] * count]
    return [f"{subject} {step}." for subject, step in zip(subjects, script.steps[:count], strict=False)]


def cosmos_qa(w: World) -> Row:
    """Reasons, feelings and next acts that the passage does not state."""
    rng, script, person = w.rng, w.rng.choice(w.scripts), w.person()
    others = [s for s in w.all.scripts if s is not script]
    good = w.coin()
    end = script.good_end if good else script.bad_end
    context = " ".join((*_told(w, script, person, rng.randint(2, 4)), f"In the end {person.they} {end}."))
    kind = rng.choice(["reason", "feeling", "next", "goal"])
    if kind == "reason":
        question, gold = f"Why did {person.name} do all this?", f"Because {script.reason}."
        wrong = [f"Because {s.reason}." for s in rng.sample(others, 3)]
    elif kind == "feeling":
        question, gold = f"How did {person.name} feel at the end?", script.feeling if good else script.bad_feeling
        pool = [s.bad_feeling if good else s.feeling for s in others]
        wrong = w.others(gold, pool, 3)
        gold, wrong = f"{upper_first(gold)}.", [f"{upper_first(x)}." for x in wrong]
    elif kind == "goal":
        question, gold = f"What did {person.name} want to do?", f"To {script.title}."
        wrong = [f"To {s.title}." for s in rng.sample(others, 3)]
    else:
        question = f"What may {person.name} do after that?"
        gold, wrong = f"{person.name} {script.next}.", [f"{person.name} {s.next}." for s in rng.sample(others, 3)]
        gold, wrong = gold.replace(person.name, upper_first(person.they)), [x.replace(person.name, upper_first(person.they)) for x in wrong]  # fmt: skip
    options, label = w.place_gold(gold, wrong)
    return {
        "context": context,
        "question": question,
        **{f"answer{i}": o for i, o in enumerate(options)},
        "label": label,
    }


def hellaswag(w: World) -> Row:
    """The step that comes next; one wrong ending is an earlier step of the same script."""
    rng, script, person = w.rng, w.rng.choice(w.scripts), w.person()
    told = rng.randint(2, 4)
    steps = (*script.steps, script.good_end)
    gold = f"{steps[told]}."
    others = rng.sample([s for s in w.all.scripts if s is not script], 2)
    wrong = [f"{steps[rng.randrange(told - 1)]}.", *(f"{rng.choice(s.steps)}." for s in others)]
    endings, label = w.place_gold(gold, wrong)
    ctx_a = " ".join(_told(w, script, person, told))
    ctx_b = upper_first(person.they)
    return {
        "activity_label": upper_first(script.title), "ctx_a": ctx_a, "ctx_b": ctx_b, "ctx": f"{ctx_a} {ctx_b}",
        "endings": endings, "label": str(label),
    }  # fmt: skip


_CARE = ("{name} was very careful.", "Everything went well.", "There was no problem at all.", "{name} made no mistake.")
_TROUBLE = (
    "{name} was not careful.",
    "Then something went wrong.",
    "There was a big problem.",
    "{name} made a mistake.",
)


def story_cloze(w: World) -> Row:
    """Four sentences; the fourth says how it goes, and the ending has to fit that."""
    rng, script, person = w.rng, w.rng.choice(w.scripts), w.person()
    good = w.coin()
    ends = (script.good_end, script.bad_end) if good else (script.bad_end, script.good_end)
    sentences = [
        f"{person.name} wanted to {script.title}.", *(f"{upper_first(person.they)} {s}." for s in sorted(rng.sample(script.steps, 2), key=script.steps.index)),
        rng.choice(_CARE if good else _TROUBLE).format(name=person.name),
    ]  # fmt: skip
    subject = upper_first(person.they)
    endings, label = w.place_gold(f"{subject} {ends[0]}.", [f"{subject} {ends[1]}."])
    return {
        **{f"input_sentence_{i}": s for i, s in enumerate(sentences, start=1)},
        "sentence_quiz1": endings[0], "sentence_quiz2": endings[1], "answer_right_ending": label + 1,
    }  # fmt: skip


MAKERS: dict[str, Callable[[World], Row]] = {
    "commonsense_qa": commonsense_qa,
    "piqa": piqa,
    "copa": copa,
    "cosmos_qa": cosmos_qa,
    "hellaswag": hellaswag,
    "story_cloze": story_cloze,
    "openbookqa": openbookqa,
}
