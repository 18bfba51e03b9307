"""Does an option score what lm-evaluation-harness gives it? Asked row by row, with the base of a bank, in fp32.

    pip install --target FOLDER lm_eval
    python -m benchmarks.harness --data ROWS --lm-eval FOLDER --docs

ROWS holds `<task>/test.jsonl` with the columns of the task's data set; the project holds no such rows. FOLDER is any
new folder: it comes last in the search for modules, so that nothing installed here is replaced. lm-evaluation-harness
loads the base itself (its `hf` model) and gets each row as a multiple-choice task: the prompt as the bank's template
makes it, the options, and a space between them (none where the template ends with white space).

It tokenizes prompt and option as one text and takes off as many tokens as the prompt has alone; here they are tokenized
apart. The column `same tokens` counts the rows where that comes to the same, which it does under `Answer:`. It does not
under a template that ends with white space: lm-evaluation-harness moves that to the option and scores it with it. Ends
with status 1 unless all rows are equal in choice and tokens, and their log-probabilities within the tolerance.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.harness_agreement import METRICS, TOLERANCE, Agreement, Answered, Asked, agreements, table
from benchmarks.harness_side import HarnessSide
from benchmarks.load_section import with_section
from composer.bank.manifest import Bank, load_bank
from composer.config import DEFAULT_BANK, ROOT, AppSettings
from composer.errors import ComposerError, InferenceError
from composer.evaluation.rows import check_limit, rows_of_source
from composer.inference.base import BaseModel, load_base
from composer.inference.gguf import base_folder
from composer.inference.prompts import encode_option, fit_prompt, split_template
from composer.inference.scoring import score
from composer.scores import HARNESS_RULES, OptionSizes, best, normalized
from composer.tasks.sources import FolderSource
from composer.types import Failure, Query

TASKS = ("hellaswag", "piqa", "openbookqa", "boolq", "sst2", "rte")
LIMIT = 50
PAGE = ROOT / "docs" / "evaluation.md"
MARKS = ("<!-- harness -->", "<!-- /harness -->")


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        if arguments.lm_eval:
            sys.path.append(str(arguments.lm_eval))
        version, found = compared(arguments)
    except ComposerError as error:
        print(f"harness: {error}", file=sys.stderr)
        return 1
    text = section(version, found)
    print(text)
    if arguments.docs:
        write(PAGE, text)
        print(f"Written: {PAGE}")
    return 0 if all(one.holds for one in found) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks.harness", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, metavar="ROWS", help="real rows: <task>/test.jsonl")
    parser.add_argument("--tasks", default=",".join(TASKS), metavar="NAMES", help=f"default: {','.join(TASKS)}")
    parser.add_argument("--limit", type=int, default=LIMIT, metavar="N", help=f"rows of each task; default: {LIMIT}")
    parser.add_argument("--bank", default=DEFAULT_BANK, metavar="NAME|FOLDER", help="whose base and template are used")
    parser.add_argument(
        "--lm-eval", type=Path, metavar="FOLDER", help="where lm_eval is installed, if not beside torch"
    )
    parser.add_argument("--docs", action="store_true", help="write the table into docs/evaluation.md")
    return parser


def compared(arguments: argparse.Namespace) -> tuple[str, tuple[Agreement, ...]]:
    """The version of lm-evaluation-harness, and what each task comes to."""
    check_limit(arguments.limit)
    bank = load_bank(arguments.bank, ready=False)
    tasks = [name.strip() for name in arguments.tasks.split(",") if name.strip()]
    rows = rows_of_source(FolderSource(arguments.data), "test", bank, tasks, arguments.limit)
    folder = base_folder(bank.base, AppSettings.from_env(os.environ).cache_dir)
    theirs = HarnessSide(folder)
    base = load_base(folder, device="cpu", dtype=torch.float32)
    head, tail = split_template(bank.prompt_template)
    delimiter = "" if (tail[-1:] or "\n").isspace() else " "  # as encode_option has it
    found: list[Agreement] = []
    for one in rows:
        asked = [as_asked(query, head, tail) for query in one.queries]
        ours = [answered(base, bank, query) for query in one.queries]
        found += agreements(one.task, asked, ours, theirs.answer(one.task, asked, delimiter))
    return theirs.version, tuple(found)


def as_asked(query: Query, head: str, tail: str) -> Asked:
    body = f"{query.context}\n{query.text}" if query.context else query.text
    return Asked(head + body + tail, query.options, int(query.gold or 0))


def answered(base: BaseModel, bank: Bank, query: Query) -> Answered:
    """The base's answer in one packed pass, as the product gives it. Raises InferenceError where it cuts the prompt."""
    template = bank.prompt_template
    prompt = fit_prompt(base.tokenizer, template, query.context, query.text, query.options, base.max_tokens)
    if prompt.cut:
        raise InferenceError("a row is too long for the base model, and was cut. Name other --tasks.")
    (answer,) = score(base, prompt, query.options, (), template=template)
    if isinstance(answer, Failure):
        raise InferenceError(answer.message)
    options = [encode_option(base.tokenizer, template, option) for option in query.options]
    sizes = OptionSizes.of(query.options, [len(option) for option in options])
    return Answered(
        log_probabilities=answer.log_probabilities,
        tokens=tuple((prompt.text_tokens, option) for option in options),
        chosen=tuple(best(normalized(HARNESS_RULES[name], answer.log_probabilities, sizes)) for name in METRICS),
    )


def section(version: str, found: Sequence[Agreement]) -> str:
    verdict = "All rows are equal" if all(one.holds for one in found) else "Not all rows are equal"
    return (
        f"{MARKS[0]}\n{verdict}: the base model in fp32 on a CPU, beside lm-evaluation-harness {version}; "
        f"the tolerance is {TOLERANCE:g} nats per token of an option.\n\n{table(found)}\n{MARKS[1]}"
    )


def write(page: Path, text: str) -> None:
    old = page.read_text(encoding="utf-8") if page.exists() else "# Evaluation\n"
    page.write_text(with_section(old, text, MARKS), encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
