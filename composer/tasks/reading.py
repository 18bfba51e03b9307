"""Reading: questions about a passage, or about what a book of science facts says."""

from __future__ import annotations

from composer.errors import TaskError
from composer.tasks.draw import draw, insert_gold
from composer.tasks.fields import Fields, bad, one_line
from composer.tasks.spans import distractors
from composer.tasks.task import HubData, Rendering, Task
from composer.types import MAX_OPTIONS

FAMILY = "reading"
NO_YES = ("no", "yes")

_PLACEHOLDER, _BLANK = "@placeholder", "____"
_HIGHLIGHT = "@highlight"


def _squad(fields: Fields) -> Rendering:
    """The data set has no options: up to three other spans of the passage stand beside the first gold answer."""
    passage, question = fields.text("context"), fields.text("question")
    answers = fields.inner_texts("answers", "text")
    if not answers:
        raise bad("answers.text", [], "it must hold an answer; the test split has none")
    others = distractors(passage, question, answers, fields.seed)
    if not others:
        raise TaskError("column 'context' has no span that could stand beside the answer; leave the row out.")
    options, gold = insert_gold(answers[0], others, fields.seed)
    return Rendering(question, options, gold, f"Passage: {passage}")


def _boolq(fields: Fields) -> Rendering:
    context = f"Passage: {fields.text('passage')}"
    return Rendering(fields.text("question"), NO_YES, fields.index("label", 2), context)


def _multirc(fields: Fields) -> Rendering:
    """One row is one proposed answer, to be judged by itself."""
    # Re-issues of the data set keep an index under `answer` and its text beside it.
    answer = fields.text("answer_text" if "answer_text" in fields.row else "answer")
    question = f"{fields.text('question')}\nProposed answer: {answer}"
    return Rendering(question, NO_YES, fields.index("label", 2), f"Passage: {fields.text('paragraph')}")


def _openbookqa(fields: Fields) -> Rendering:
    options, gold = fields.keyed_choices()
    return Rendering(fields.text("question_stem"), options, gold)


def _record(fields: Fields) -> Rendering:
    """The passage's entities are the options, the first right one is gold; the other right ones are left out."""
    entities, right = fields.texts("entities"), fields.texts("answers")
    gold = next((entity for entity in entities if entity in right), None)
    if gold is None:
        raise bad("answers", list(right), "it must hold one of the entities; the test split has no answers")
    wrong = draw(dict.fromkeys(entity for entity in entities if entity not in right), MAX_OPTIONS - 1, fields.seed)
    options = tuple(dict.fromkeys(entity for entity in entities if entity == gold or entity in wrong))
    return Rendering(_record_question(fields), options, options.index(gold), f"Passage: {_record_passage(fields)}")


def _record_question(fields: Fields) -> str:
    query = fields.text("query")
    if _PLACEHOLDER not in query:
        raise bad("query", query, f"it must hold {_PLACEHOLDER}")
    return query.replace(_PLACEHOLDER, _BLANK)


def _record_passage(fields: Fields) -> str:
    """The article, then its highlights as a list."""
    return "\n- ".join(map(one_line, fields.text("passage").split(_HIGHLIGHT)))


SQUAD = Task(
    name="squad",
    title="SQuAD",
    family=FAMILY,
    hint="Passage from an encyclopedia: who, what, when, where, how many?",
    source=HubData("rajpurkar/squad", None, "train", "validation", ("context", "question", "answers")),
    render=_squad,
    harness="acc",  # its squad tasks have no options
)
BOOLQ = Task(
    name="boolq",
    title="BoolQ",
    family=FAMILY,
    hint="Passage from an encyclopedia. Yes or no?",
    source=HubData("aps/super_glue", "boolq", "train", "validation", ("question", "passage", "label")),
    render=_boolq,
    harness="acc",  # boolq
    labels=NO_YES,
)
MULTIRC = Task(
    name="multirc",
    title="MultiRC",
    family=FAMILY,
    hint="Judge whether the proposed answer to the question about the passage is right or wrong.",
    source=HubData("aps/super_glue", "multirc", "train", "validation", ("paragraph", "question", "answer", "label")),
    render=_multirc,
    harness="acc",  # multirc, whose options repeat the proposed answer; yes and no alone here
    labels=NO_YES,
)
OPENBOOKQA = Task(
    name="openbookqa",
    title="OpenBookQA",
    family=FAMILY,
    hint="Answer the elementary science question.",
    source=HubData("allenai/openbookqa", "main", "train", "test", ("question_stem", "choices", "answerKey")),
    render=_openbookqa,
    harness="acc_norm",  # openbookqa
)
RECORD = Task(
    name="record",
    title="ReCoRD",
    family=FAMILY,
    hint="Cloze test: fill the blank with a name from the news article.",
    source=HubData("aps/super_glue", "record", "train", "validation", ("passage", "query", "entities", "answers")),
    render=_record,
    harness="acc",  # record, which chooses by the plain sum and reports F1 and exact match
)
