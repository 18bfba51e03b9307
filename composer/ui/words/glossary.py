"""The page's words and what they mean: shown on hover where they stand, and all together under "How it works"."""

from __future__ import annotations

from composer.config import NORMALIZATIONS
from composer.ui.markup import esc, term

WORDS: dict[str, str] = {
    "adapter": "A LoRA: a pair of small matrices, trained for one task and added to a model whose own weights stay as"
    " they are.",
    "bank": "A base model, adapters trained for it, and examples of the tasks they were trained on.",
    "base model": "The language model underneath, without any adapter.",
    "task": "One data set's kind of question. There is an adapter for each.",
    "family": "Tasks that ask for a similar skill. Each family has one color.",
    "neighbour": "A training example that is near to your question.",
    "similarity": "Cosine between question and example in the encoder's 384 dimensions: 1 is the same direction, 0 is"
    " unrelated.",
    "vote": "What a neighbour counts for its task: the kernel's value of its distance, which is 1 less the similarity.",
    "kernel": "How a distance becomes a vote: the nearer an example, the more its task gets.",
    "share": "A task's part of all the votes that the neighbours cast.",
    "nucleus": "The fewest tasks whose shares together reach top-p. Only their adapters are merged.",
    "weight": "What a merge weighs the task's adapter with: its share, scaled so that the kept ones make 100 %.",
    "method": "A way to make one adapter of several.",
    "update": "What an adapter adds to the model's weight matrices.",
    "core space": "The few directions that the merged adapters' updates span. The methods named Core work on the"
    " updates there; Linear and its kin on the two factors that make an update.",
    "asked for": "The task weights. A merge that kept to them would have the same numbers in its column.",
    "size": "Length of the merged update, as a multiple of the exact weighted sum's.",
    "in no adapter": "Share of the update (by squared length) that no weighting of the adapters explains: products of"
    " different adapters, and what trimming did.",
    "density": "Share of each adapter's numbers that a pruning method keeps.",
    "guessing": "What choosing the place of the most frequent right answer, always the same, would have right. A"
    " candidate near to it has learned little of the task.",
    "option score": "What is compared: the log-probability that the model gives the option's words after the question,"
    " made comparable between options of different length. Under Advanced, "
    + "; ".join(f"{name}: {meaning}" for name, meaning in NORMALIZATIONS.items())
    + ".",
    "lead": "How far the first option is ahead of the second, in percentage points. It is not the chance of being"
    " right.",
}


def explained(shown: str, word: str, *, stop: bool = True) -> str:
    """`shown` with the meaning of `word`."""
    return term(shown, WORDS[word], stop=stop)


def glossary() -> str:
    rows = "".join(f"<dt>{esc(word)}</dt><dd>{esc(meaning)}</dd>" for word, meaning in WORDS.items())
    return f'<details class="ac-words"><summary>Words on this page</summary><dl>{rows}</dl></details>'
