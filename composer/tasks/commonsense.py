"""Commonsense: everyday questions, and stories or scenes that want an ending."""

from __future__ import annotations

import re

from composer.tasks.fields import Fields, one_line
from composer.tasks.task import HubData, Rendering, Task

FAMILY = "commonsense"

_WIKIHOW_MARK = re.compile(r"\[(?:header|title|step|substeps)\]")
_WIKIHOW_TITLE = re.compile(r"(\w)\s*\[title\]")
_COPA_QUESTIONS = ("cause", "effect")


def _commonsense_qa(fields: Fields) -> Rendering:
    options, gold = fields.keyed_choices()
    return Rendering(fields.text("question"), options, gold)


def _piqa(fields: Fields) -> Rendering:
    options = (fields.text("sol1"), fields.text("sol2"))
    return Rendering(f"Goal: {fields.text('goal')}", options, fields.index("label", 2))


def _copa(fields: Fields) -> Rendering:
    asked = (
        "What was the cause?" if fields.one_of("question", _COPA_QUESTIONS) == "cause" else "What happened as a result?"
    )
    options = (fields.text("choice1"), fields.text("choice2"))
    return Rendering(f"{fields.text('premise')}\n{asked}", options, fields.index("label", 2))


def _cosmos_qa(fields: Fields) -> Rendering:
    options = tuple(fields.text(f"answer{number}") for number in range(4))
    context = f"Passage: {fields.text('context')}"
    return Rendering(fields.text("question"), options, fields.index("label", 4), context)


def _hellaswag(fields: Fields) -> Rendering:
    options = tuple(map(_without_marks, fields.texts("endings")))
    lines = [f"Text: {_without_marks(fields.text('ctx'))}"]
    if activity := fields.optional_text("activity_label"):
        lines.insert(0, f"Activity: {activity}")
    return Rendering("\n".join(lines), options, fields.index("label", len(options)))


def _without_marks(text: str) -> str:
    """The half that comes from WikiHow carries marks such as [header] and [step] inside of its text."""
    return one_line(_WIKIHOW_MARK.sub(" ", _WIKIHOW_TITLE.sub(r"\1.", text)))


def _story_cloze(fields: Fields) -> Rendering:
    # The organizers' own files name the columns differently from the Hub's loader, which reads these very files.
    if "InputSentence1" in fields.row:
        sentence, quiz, right = "InputSentence", "RandomFifthSentenceQuiz", "AnswerRightEnding"
    else:
        sentence, quiz, right = "input_sentence_", "sentence_quiz", "answer_right_ending"
    story = " ".join(fields.text(f"{sentence}{number}") for number in range(1, 5))
    options = (fields.text(f"{quiz}1"), fields.text(f"{quiz}2"))
    return Rendering(f"Story: {story}", options, fields.index(right, 2, first=1))


COMMONSENSE_QA = Task(
    name="commonsense_qa",
    title="CommonsenseQA",
    family=FAMILY,
    hint="Everyday things and places.",
    source=HubData("tau/commonsense_qa", None, "train", "validation", ("question", "choices", "answerKey")),
    render=_commonsense_qa,
    harness="acc",  # commonsense_qa, which scores the letters A to E; the texts of the options here
)
PIQA = Task(
    name="piqa",
    title="PIQA",
    family=FAMILY,
    hint="Choose the practical way to reach the goal.",
    source=HubData("ybisk/piqa", None, "train", "validation", ("goal", "sol1", "sol2", "label")),
    render=_piqa,
    harness="acc_norm",  # piqa
)
COPA = Task(
    name="copa",
    title="COPA",
    family=FAMILY,
    hint="Choose the more likely cause or effect of the event.",
    source=HubData(
        "aps/super_glue", "copa", "train", "validation", ("premise", "choice1", "choice2", "question", "label")
    ),
    render=_copa,
    harness="acc",  # copa
)
COSMOS_QA = Task(
    name="cosmos_qa",
    title="CosmosQA",
    family=FAMILY,
    hint="Read between the lines of a blog post: guess causes, feelings and plans.",
    source=HubData(
        "allenai/cosmos_qa",
        None,
        "train",
        "validation",
        ("context", "question", "answer0", "answer1", "answer2", "answer3", "label"),
    ),
    render=_cosmos_qa,
    harness="acc",  # not among its tasks
)
HELLASWAG = Task(
    name="hellaswag",
    title="HellaSwag",
    family=FAMILY,
    hint="Choose how the scene or the instructions go on.",
    source=HubData("Rowan/hellaswag", None, "train", "validation", ("activity_label", "ctx", "endings", "label")),
    render=_hellaswag,
    harness="acc_norm",  # hellaswag
)
STORY_CLOZE = Task(
    name="story_cloze",
    title="StoryCloze",
    family=FAMILY,
    hint="Choose the sensible ending of the story.",
    # The train split of this data set has no wrong endings: its validation split is what models are trained on.
    source=HubData(
        "LSDSem/story_cloze",
        "2016",
        "validation",
        "test",
        (
            *(f"input_sentence_{number}" for number in range(1, 5)),
            "sentence_quiz1",
            "sentence_quiz2",
            "answer_right_ending",
        ),
    ),
    render=_story_cloze,
    harness="acc",  # storycloze_2016
)
