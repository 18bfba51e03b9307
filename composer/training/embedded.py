"""The embedded bank from nothing: base model, one adapter a task, examples with vectors, bank.toml. `make bank`.

Every step that is finished is kept: a run that was killed goes on where it was. Delete a file to have it made again.
"""

from __future__ import annotations

import argparse
import logging
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from composer.bank.describe import write_bank_toml
from composer.bank.examples import Examples, write_examples
from composer.bank.manifest import Bank
from composer.config import ADAPTERS, ROOT
from composer.inference.prompts import prepare_tokenizer
from composer.microworld.rows import TEST_ROWS, TRAIN_ROWS, make_rows
from composer.retrieval.encoder import Encoder
from composer.retrieval.projection import MAP_FILE, write_map
from composer.tasks import TASKS
from composer.tasks.task import Example
from composer.training.adapters import Site, train_adapter
from composer.training.base import CONTINUED, BaseRecipe, train_base
from composer.training.recipe import EMBEDDED, AdapterRecipe

log = logging.getLogger(__name__)

TEMPLATE = "{prompt}\nAnswer:"
INDEXED_ROWS = 500
SLOW_TASKS = ("qqp", "multirc", "wnli")
"""Learned at once, but late: at chance for hundreds of steps, they get four times as many, on eight times the rows."""
BASE_NAME = "embedded/base"
TITLE = "Micro-world (embedded)"
DESCRIPTION = (
    "A small synthetic bank that ships with Adapter Composer: a 6-million-parameter language model that has only read "
    "about everyday things, and 22 adapters trained on generated examples. It shows how merging behaves; it knows "
    "little."
)


def trained_tasks() -> tuple[str, ...]:
    return tuple(name for name, task in TASKS.items() if not task.held_out)


def examples_of(task: str, split: str, count: int) -> list[Example]:
    """Generated rows of the split as examples. A row that its task refuses is a fault of the generator."""
    return [
        TASKS[task].example(row, f"{task}-{split}-{number}") for number, row in enumerate(make_rows(task, split, count))
    ]


def train_adapters(folder: Path, work: Path, recipe: AdapterRecipe, tasks: Sequence[str]) -> None:
    tokenizer = load_tokenizer(folder)
    for number, task in enumerate(tasks, start=1):
        output = folder / "adapters" / task
        if (output / "adapter_model.safetensors").exists():
            log.info("adapter %d/%d: %s is there", number, len(tasks), task)
            continue
        own = recipe_of(task, recipe)
        examples = examples_of(task, "train", own.rows)
        log.info("adapter %d/%d: %s, %d examples", number, len(tasks), task, len(examples))
        # Written beside and moved, so that a folder with weights is a finished one.
        site = Site(folder / "base", TEMPLATE, work / "done" / task, work / "adapters" / task, BASE_NAME)
        loss = train_adapter(examples, site, own, tokenizer)
        output.mkdir(parents=True, exist_ok=True)
        for path in sorted(site.output.iterdir(), key=lambda path: path.suffix == ".safetensors"):
            shutil.move(path, output / path.name)  # the weights last
        log.info("adapter %d/%d: %s, loss %.3f", number, len(tasks), task, loss)


def recipe_of(task: str, recipe: AdapterRecipe) -> AdapterRecipe:
    """With a seed of its own: adapters that start from one A are aligned; linear merging then multiplies them up."""
    own = replace(recipe, seed=recipe.seed + trained_tasks().index(task))
    return replace(own, rows=8 * own.rows, epochs=own.epochs / 2) if task in SLOW_TASKS else own


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    return prepare_tokenizer(AutoTokenizer.from_pretrained(folder / "base"))


def write_all_examples(folder: Path, encoder: Encoder) -> None:
    """The indexed training rows with their vectors, and the test rows of every task, held-out ones included."""
    train = [example for task in trained_tasks() for example in examples_of(task, "train", TRAIN_ROWS)[:INDEXED_ROWS]]
    log.info("embedding %d examples", len(train))
    vectors = encoder.encode([example.text for example in train])
    write_examples(folder / "examples.parquet", table(train, vectors))
    log.info("placing %d examples on the map", len(train))
    write_map(folder, [example.row_id for example in train], vectors)
    test = [example for task in TASKS for example in examples_of(task, "test", TEST_ROWS)]
    write_examples(folder / "evaluation.parquet", table(test, None))


def table(examples: Sequence[Example], vectors: np.ndarray | None) -> Examples:
    return Examples(
        row_ids=tuple(e.row_id for e in examples),
        tasks=tuple(e.task for e in examples),
        hints=tuple(e.hint for e in examples),
        contexts=tuple(e.context for e in examples),
        questions=tuple(e.question for e in examples),
        options=tuple(e.options for e in examples),
        golds=tuple(e.gold for e in examples),
        texts=tuple(e.text for e in examples),
        vectors=None if vectors is None else vectors.astype(np.float16),
    )


def describe(folder: Path, encoder: Encoder, adapters: Sequence[str]) -> Bank:
    return write_bank_toml(
        folder,
        title=TITLE,
        description=DESCRIPTION,
        prompt_template=TEMPLATE,
        encoder_sha256=encoder.sha256,
        adapters={task: f"adapters/{task}" for task in adapters},
        evaluation="evaluation.parquet",
        files=(MAP_FILE,),
    )


def build(
    folder: Path,
    work: Path,
    *,
    base: BaseRecipe | None = None,
    recipe: AdapterRecipe = EMBEDDED,
    start: Path | None = None,
) -> Bank:
    """All steps that are not done yet. Hours on two cores, most of them for the base.

    `start` is a base model to begin from, see `train_base`.
    """
    if not (folder / "base" / "config.json").exists():
        train_base(folder / "base", work, base or (CONTINUED if start else BaseRecipe()), start=start)
    train_adapters(folder, work, recipe, trained_tasks())
    encoder = Encoder()
    if not (folder / "evaluation.parquet").exists():
        write_all_examples(folder, encoder)
    return describe(folder, encoder, trained_tasks())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m composer.training.embedded", description=__doc__)
    parser.add_argument("--output", type=Path, default=ADAPTERS / "embedded")
    parser.add_argument("--only", help="train just these adapters, comma-separated: two processes can share the work")
    parser.add_argument("--start", type=Path, help="a base model of the same shape whose weights training begins from")
    parser.add_argument("--work", type=Path, default=ROOT / ".cache" / "bank", help="checkpoints")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    if arguments.only:
        train_adapters(arguments.output, arguments.work, EMBEDDED, arguments.only.split(","))
        return
    bank = build(arguments.output, arguments.work, start=arguments.start)
    log.info("the bank %s is complete: %d adapters", bank.name, len(bank.adapters))


if __name__ == "__main__":
    main()
