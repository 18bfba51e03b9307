"""README.md of an adapter, in the form that the Hub reads: a head of YAML, then what a stranger needs to know."""

from __future__ import annotations

import json
import re
from pathlib import Path

from composer.tasks import TASKS
from composer.training.loss_curve import PICTURE_FILE
from composer.training.record import Record

CARD_FILE = "README.md"
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def write_model_card(folder: Path, record: Record, *, on_hub: bool) -> None:
    """`on_hub`: the base's name is a Hub id, and not a folder of the bank."""
    (folder / CARD_FILE).write_text(model_card(record, on_hub=on_hub), encoding="utf-8")


def model_card(record: Record, *, on_hub: bool) -> str:
    base, recipe = record.identity["base"], record.identity["recipe"]
    title = TASKS[record.task].title if record.task in TASKS else record.task
    sections = [
        _head(base if on_hub and _HUB_ID.fullmatch(base) else None),
        f"# {title}: a LoRA adapter for {base}",
        f"Trained by Adapter Composer for the task `{record.task}`. The loss is on the answer only.",
        _table(
            {
                "base": base,
                "base, identified by": record.identity["base_id"],
                "base while training": _quantization(record.identity["quantization"]),
                "rows": f"{record.rows:,} ({record.origin}), {record.left_out:,} left out for want of room",
                "rows' tokens, sha256": record.identity["rows_sha256"],
                "steps": f"{record.steps:,}",
                "loss": f"{record.first_loss:.3f} at first, {record.loss:.3f} at last",
            }
        ),
        f"![The loss over the steps]({PICTURE_FILE})",
        "## Prompt",
        "The answer follows this template, after a space unless it ends with one:",
        f"```text\n{record.identity['template']}\n```",
        "## Recipe",
        _table({name: _shown(value) for name, value in recipe.items()}),
        "## Versions",
        ", ".join(f"{name} {number}" for name, number in record.versions.items()) + ".",
        "## License",
        "No license is stated here: the adapter depends on that of the base model and on the terms of the rows it was "
        "trained on. Check both before you pass it on.",
    ]
    return "\n\n".join(sections) + "\n"


def _head(base: str | None) -> str:
    lines = ["library_name: peft", "pipeline_tag: text-generation", "tags:", "- lora", "- adapter-composer"]
    return "\n".join(["---", *([f"base_model: {json.dumps(base)}"] if base else []), *lines, "---"])


def _table(rows: dict[str, str]) -> str:
    lines = [f"| {name} | {value.replace('|', chr(92) + '|')} |" for name, value in rows.items()]
    return "\n".join(["| | |", "|---|---|", *lines])


def _quantization(name: str) -> str:
    return "not quantized" if name == "none" else name


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
