"""docs/evaluation.md: everything that follows from the results files, in the order in which a reader asks."""

from __future__ import annotations

from composer.config import NORMALIZATIONS, ROOT
from composer.evaluation import findings, paper
from composer.evaluation.choices import ASKED, SETTINGS
from composer.evaluation.error_section import errors
from composer.evaluation.markdown import listed, paragraphs
from composer.evaluation.results import Evaluation
from composer.evaluation.sections import comparisons, conditions, means, normalizations, per_task, same_options
from composer.evaluation.statistics import SIGNIFICANCE

SPLITS = {"test": "Test", "dev": "Development"}
HARNESS = ("<!-- harness -->", "<!-- /harness -->")
RESULTS = ROOT / "assets" / "results"


def document(test: Evaluation, dev: Evaluation | None) -> str:
    """The whole file, with nothing between the harness markers."""
    both = [one for one in (test, dev) if one]
    parts = [
        "# How often are the merges right?",
        "Written by `composer results` from `assets/results`. Change that command, not this file.",
        section("What was measured", *(_measured(one) for one in both), _how(test)),
        section("Findings", findings.findings(test, dev)),
        section("Means", means(test, dev)),
        section("Task by task", per_task(test, dev)),
        section("Normalizations", normalizations(test)),
        section("Pairs on the same rows", comparisons(test)),
        section("How often two candidates choose alike", same_options(test)),
        section("What the quality of retrieval changes", conditions(test)),
        section("Kinds of errors", errors(test)),
        section("Beside the paper", paper.paper(test, RESULTS, ROOT / "assets" / "cases")),
        section(
            "Beside lm-evaluation-harness",
            "\n".join(
                (
                    HARNESS[0],
                    "Not compared yet: `python -m benchmarks.harness --data FOLDER --docs` writes this part.",
                    HARNESS[1],
                )
            ),
        ),
    ]
    return "\n\n".join(parts) + "\n"


def section(heading: str, *parts: str | None) -> str:
    return paragraphs(f"## {heading}", *parts)


def _measured(evaluation: Evaluation) -> str:
    tasks = [one for one in evaluation.tasks if not one.held_out]
    held_out = [one for one in evaluation.tasks if one.held_out]
    apart = f" and {sum(one.n for one in held_out):,} of {listed([one.task for one in held_out])}" if held_out else ""
    retrieval, split = evaluation.settings.retrieval, SPLITS.get(evaluation.split, evaluation.split)
    return (
        f"**{split} rows**: {sum(one.n for one in tasks):,} rows of {len(tasks)} tasks"
        f"{apart}{', which have no adapter' if held_out else ''}. The bank `{evaluation.bank}`, computed in "
        f"{evaluation.computed}. The {retrieval.top_k} nearest examples, kernel `{retrieval.kernel}`, top-p "
        f"{retrieval.top_p}; density {evaluation.settings.merge.density}."
    )


def _how(test: Evaluation) -> str:
    how = test.settings.score.normalization
    used = [name for name in SETTINGS if name == "seen" or any(one.endswith(f", {name}") for one in test.columns)]
    lines = [f"- *{name}*: {SETTINGS[name].meaning}." for name in used]
    lines += [f"- *{name}*: {meaning}." for name, meaning in ASKED.items() if any(name in one for one in test.columns)]
    return paragraphs(
        f"An option's score is {NORMALIZATIONS[how]} (`{how}`); the option with the highest score is the answer. No "
        "row was trained on or indexed. Every candidate answers the same rows. Accuracies are in per cent; a mean is "
        "over tasks, each with the same weight.",
        "\n".join(lines),
        "Intervals are 95 %: Wilson's for one accuracy, the normal approximation for a mean over tasks. They say how "
        "far other rows could move a figure, not what other adapters or another base would do. Two candidates are "
        "compared on the same rows by McNemar's exact test; a difference that may be chance, p of "
        f"{SIGNIFICANCE} or more, stands in *italics*. No p is corrected for the number of comparisons: of twenty "
        "where nothing differs, one falls below the bar.",
    )
