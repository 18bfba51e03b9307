"""lm-evaluation-harness's side: its `hf` model on the bank's base, and tasks whose prompt and options are ours."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness_agreement import METRICS, Answered, Asked
from composer.errors import ComposerError


class HarnessSide:
    """The base loaded once, by lm-evaluation-harness itself, in fp32 on the CPU."""

    def __init__(self, base: Path) -> None:
        try:
            from lm_eval.models.huggingface import HFLM
        except ImportError as error:
            raise ComposerError(
                f"lm-evaluation-harness cannot be imported: {error}. Install it into a folder of its own "
                "(pip install --target FOLDER lm_eval) and name that: --lm-eval FOLDER."
            ) from error
        logging.getLogger("lm_eval").setLevel(logging.ERROR)
        # one option at a time: nothing is padded
        self.model = HFLM(pretrained=str(base), device="cpu", dtype="float32", batch_size=1)

    @property
    def version(self) -> str:
        import lm_eval

        return str(lm_eval.__version__)

    def answer(self, task: str, asked: Sequence[Asked], delimiter: str) -> tuple[Answered, ...]:
        """In the rows' order. Raises ComposerError where lm-evaluation-harness makes other requests of the rows."""
        from lm_eval import simple_evaluate
        from lm_eval.api.task import ConfigurableTask

        made = ConfigurableTask(config=task_config(task, asked, delimiter))
        results: Any = simple_evaluate(model=self.model, tasks=[made], log_samples=True, bootstrap_iters=0)
        samples = sorted(results["samples"][made.config.task], key=lambda sample: sample["doc_id"])
        return tuple(self._answered(made, row, sample, delimiter) for row, sample in zip(asked, samples, strict=True))

    def _answered(self, task: Any, row: Asked, sample: dict[str, Any], delimiter: str) -> Answered:  # noqa: ANN401
        requests = [tuple(request) for request in sample["arguments"]]
        if requests != [(row.prompt, delimiter + option) for option in row.options]:
            raise ComposerError(f"lm-evaluation-harness asks {requests[0]!r}, not what it was given: mind its version.")
        return Answered(
            log_probabilities=tuple(float(log_probability) for log_probability, _ in sample["filtered_resps"]),
            tokens=tuple(self._tokens(*request) for request in requests),
            chosen=tuple(_chosen(task, sample, metric) for metric in METRICS),
        )

    def _tokens(self, prompt: str, option: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """As it reads them itself, by the method that its requests go through."""
        before, after = self.model._encode_pair(prompt, option)
        return tuple(before), tuple(after)


def _chosen(task: Any, sample: dict[str, Any], metric: str) -> int:  # noqa: ANN401 - a ConfigurableTask
    """It reports whether a row is right, not what it chose: that is the option that would be right if it were gold."""
    for place in range(len(sample["arguments"])):
        if task.process_results({**sample["doc"], "gold": place}, sample["filtered_resps"])[metric] == 1:
            return place
    raise ComposerError(
        f"lm-evaluation-harness has no option of {sample['doc']['prompt'][:60]!r} right under {metric}."
    )


def task_config(task: str, asked: Sequence[Asked], delimiter: str) -> dict[str, Any]:
    """A multiple-choice task of these very rows."""
    from datasets import Dataset, DatasetDict

    rows = [{"prompt": row.prompt, "options": list(row.options), "gold": row.gold} for row in asked]
    return {
        "task": f"composer_{task}",
        "custom_dataset": lambda **_: DatasetDict({"test": Dataset.from_list(rows)}),
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": lambda row: row["prompt"],
        "doc_to_choice": lambda row: row["options"],
        "doc_to_target": lambda row: row["gold"],
        "target_delimiter": delimiter,
        "num_fewshot": 0,
        "metric_list": [{"metric": metric, "aggregation": "mean", "higher_is_better": True} for metric in METRICS],
    }
