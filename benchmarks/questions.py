"""What is asked while time is taken: short questions with four short options, and a bank's own examples."""

from __future__ import annotations

from dataclasses import replace

from composer.bank.examples import Examples, read_examples
from composer.bank.manifest import Bank
from composer.errors import ComposerError
from composer.types import Query

SHORT = tuple(
    Query(text, tuple(options.split(" / ")))
    for text, options in (
        ("Where would you keep milk so that it stays fresh?", "in the fridge / on a shelf / in the oven / outside"),
        ("What do people open when it starts to rain?", "an umbrella / a bank account / a bottle / a book"),
        ("Which tool drives a nail into a board?", "a hammer / a wooden spoon / a paint brush / a rope"),
        (
            "The baby cried because it was hungry. What did its mother do?",
            "fed it / left / sang / ran",
        ),
        ("Where do most people go to borrow a novel?", "the public library / a bakery / the station / a bank"),
        ("How do you get ketchup out of a glass bottle?", "tap its neck / boil it dry / freeze it / cut it open"),
        ("What does a plant need to make its food?", "light and water / dry gravel / loud music / table salt"),
        ("He put out the lamp, locked the door and then he", "walked home / melted away / rained hard / was boiled"),
        ("The film was two hours of pure joy. The critic was", "very happy / rather sad / angry / bored to tears"),
        ("What is the capital of France?", "Paris / the city of Rome / Oslo in Norway / Lima"),
        ("Which animal gives us wool?", "a sheep / a river trout / the eagle / a grass snake"),
        ("Anna dropped the glass on the stone floor. Then", "it broke / it grew roots / it sang a song / it flew off"),
        ("Where would you read what a restaurant serves?", "on the menu / on a map / on a ticket / in a diary"),
        ("What keeps a kite up in the air?", "a steady wind / deep water / warm sand / bright light"),
        ("How can you dry wet shoes overnight?", "with old newspaper / with honey / in the ice / with soap"),
        ("The runners stood at the line and waited for", "the signal / their dessert / the bill / a new carpet"),
        ("Which of these melts first in the sun?", "a slice of butter / an iron bar / window glass / a stone"),
        ("What do you put on a letter before you post it?", "a stamp / a glass lid / a rubber wheel / a hat"),
        ("Tom missed the meeting. What was the cause?", "His train was late. / He ate soup. / It was blue. / He won."),
        ("Where does a bird raise its young?", "in a nest / in a dark cave / in a drawer / under the pond"),
        ("What would you use to see a star more clearly?", "a telescope / a step ladder / a towel / a candle"),
        ("She put on her coat because the evening was", "cold and wet / too loud / square / rather sweet"),
        ("Which organ pumps the blood?", "the heart / the left lung / an ear / the right knee"),
        ("How do you keep a cut onion from stinging?", "chill it first / add sugar / sew it shut / hang it up"),
    )
)
"""None stands in the bank that ships; its nearest examples are of several tasks."""


def own_examples(bank: Bank) -> Examples:
    """Raises ComposerError for a bank without."""
    if bank.examples is None:
        raise ComposerError(
            f"the bank {bank.name!r} ships no examples that could be asked. Measure with one that does: --bank FOLDER."
        )
    return read_examples(bank.examples.path)


def typed(examples: Examples) -> tuple[Query, ...]:
    """A bank's examples as a person would type them, without their hints: of all tasks, in turns."""
    by_task = [examples.rows_of(task) for task in sorted(set(examples.tasks))]
    turns = range(max(map(len, by_task)))
    rows = [rows[turn] for turn in turns for rows in by_task if turn < len(rows)]
    return tuple(replace(examples.query(row), hint=None) for row in rows)
