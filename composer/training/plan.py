"""Adapters for a bank, one task after another: what can be refused is refused before anything is trained."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from zlib import crc32

from transformers import AutoTokenizer
from transformers.integrations import get_available_reporting_integrations
from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

from composer.bank.manifest import ADAPTER_FILES, Bank, sha256_of
from composer.errors import BankError, SettingsError, TaskError, unknown
from composer.inference.gguf import base_folder
from composer.inference.prompts import prepare_tokenizer
from composer.tasks import HELD_OUT, TASKS
from composer.training.adapters import Site, identity_of, train_adapter
from composer.training.device import training_quantization
from composer.training.encoding import encode_examples
from composer.training.history import Progress
from composer.training.into_bank import check_can_add, put_adapter, staging_folder
from composer.training.lock import alone
from composer.training.recipe import AdapterRecipe
from composer.training.record import RECORD_FILE, Record, read_record
from composer.training.sources import ExampleSource, Labelled

ALL = "all"


@dataclass(frozen=True)
class TrainingPlan:
    """What `composer train` was asked for."""

    bank: Bank
    source: ExampleSource
    recipe: AdapterRecipe
    cache_dir: Path
    """Where a base that is read from a GGUF is kept."""
    work: Path
    """Checkpoints, one folder a task."""
    device: str = "cpu"
    output: Path | None = None
    """A folder for the adapters instead of the bank."""
    force: bool = False
    """Also tasks that have an adapter already."""
    resume: bool = True
    """Go on where a run that was killed stopped."""
    report_to: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    task: str
    folder: Path
    sha256: str
    """Of the weights."""
    record: Record
    seconds: float
    """Of this process; 0 where the very same run had ended before."""


def tasks_of(plan: TrainingPlan, names: Sequence[str]) -> tuple[str, ...]:
    """The named tasks, or with `all` those of the source that have no adapter yet. Raises TaskError or BankError."""
    offered = tuple(task for task in plan.source.tasks() if task not in HELD_OUT)
    if tuple(names) == (ALL,):
        chosen = tuple(task for task in offered if plan.force or not _is_there(plan, task))
        if not chosen:
            raise BankError(
                f"there is nothing to train: {_target(plan)} has every adapter that the source has rows of. Give "
                "--force to train them anew."
            )
        return chosen
    if not names:
        raise TaskError(f"no task was named. Name one, or {ALL}.")
    for task in names:
        _check_task(plan, task, offered)
    return tuple(dict.fromkeys(names))


def _check_task(plan: TrainingPlan, task: str, offered: Sequence[str]) -> None:
    if task in HELD_OUT:
        raise TaskError(f"{task} is held out: adapters are evaluated on it and never trained. Choose another task.")
    if task not in offered and task in TASKS:
        raise TaskError(f"the source has no rows of {task}. It has rows of: {', '.join(offered) or 'no task'}.")
    if task not in offered:
        raise TaskError(unknown("task", task, offered))
    if not plan.force and _is_there(plan, task):
        raise BankError(f"{_target(plan)} has an adapter of {task} already. Give --force to train it anew.")
    place = plan.output / task if plan.output else None
    if place and place.exists() and not (place / ADAPTER_FILES[0]).is_file():
        raise BankError(f"{place} is there and is no adapter. Remove it, or choose another --output.")


def _target(plan: TrainingPlan) -> str:
    return f"the bank {plan.bank.name!r}" if plan.output is None else str(plan.output)


def _is_there(plan: TrainingPlan, task: str) -> bool:
    if plan.output is not None:
        return (plan.output / task).exists()
    return any(name == task and not source.missing for name, source in plan.bank.adapters)


def check_plan(plan: TrainingPlan) -> None:
    """Raises SettingsError or BankError for an unknown tracker, a base that is not pinned, a folder that takes no
    files."""
    check_trackers(plan.report_to)
    if "base" in plan.bank.unpinned:
        raise BankError(
            f"the bank {plan.bank.name!r} does not say exactly which base it means. Run "
            f"`python -m composer bank pin {plan.bank.reference}` first."
        )
    if plan.output is None:
        check_can_add(plan.bank)
    for folder in (plan.work, *([plan.output] if plan.output else [])):
        _check_writable(folder)


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SettingsError(
            f"nothing can be written to {folder} ({error.strerror or error}). Choose another folder."
        ) from error


def check_trackers(names: Sequence[str]) -> None:
    for name in names:
        if name not in INTEGRATION_TO_CALLBACK:
            raise SettingsError(unknown("tracker", name, INTEGRATION_TO_CALLBACK))
        if name not in get_available_reporting_integrations():
            raise SettingsError(
                f"the tracker {name!r} is not installed here. Run `pip install {name}`, or leave it out of --report-to."
            )


def train_tasks(
    plan: TrainingPlan,
    tasks: Sequence[str],
    *,
    progress: Callable[[str], Progress] | None = None,
    warn: Callable[[str], None] = lambda _: None,
) -> Iterator[Result]:
    """One result after another, each in its place before the next is begun. `progress` makes one listener per task."""
    folder = base_folder(plan.bank.base, plan.cache_dir)
    for task in tasks:
        with alone(plan.work / f"{task}.lock", wait=False):
            labelled = plan.source.examples(task, plan.recipe.rows)
            for sentence in labelled.skipped:
                warn(f"left out {sentence}")
            site, recipe = _site(plan, task, folder, labelled), own_recipe(plan.recipe, task)
            yield _finished(plan, task, site, recipe, labelled) or _trained(
                plan, task, site, recipe, labelled, progress(task) if progress else None
            )


def own_recipe(recipe: AdapterRecipe, task: str) -> AdapterRecipe:
    """A seed of its own: adapters that start from one A are aligned, and linear merging then multiplies them up."""
    place = list(TASKS).index(task) if task in TASKS else len(TASKS) + crc32(task.encode()) % 10_000
    return replace(recipe, seed=recipe.seed + place)


def _site(plan: TrainingPlan, task: str, base: Path, labelled: Labelled) -> Site:
    staged = plan.output / f".{task}.part" if plan.output else staging_folder(plan.bank, task)
    return Site(
        base=base,
        template=plan.bank.prompt_template,
        output=staged,
        work=plan.work / task,
        base_name=plan.bank.base_name,
        revision=plan.bank.base.file_sha256 or plan.bank.base.revision,
        origin=labelled.origin,
    )


def _finished(plan: TrainingPlan, task: str, site: Site, recipe: AdapterRecipe, labelled: Labelled) -> Result | None:
    """What the very same run has left in its place before: a killed run over many tasks does none of them twice."""
    source = dict(plan.bank.adapters).get(task)
    place = plan.output / task if plan.output else source.path if source else None
    if not plan.resume or place is None or not (place / RECORD_FILE).is_file():
        return None
    tokenizer = prepare_tokenizer(AutoTokenizer.from_pretrained(site.base))
    rows = encode_examples(labelled.examples, site.template, tokenizer, recipe.max_tokens)
    record = read_record(place)
    same = record.is_of(identity_of(rows, site, recipe, training_quantization(plan.bank)))
    return Result(task, place, sha256_of(place / ADAPTER_FILES[1]), record, 0.0) if same else None


def _trained(
    plan: TrainingPlan, task: str, site: Site, recipe: AdapterRecipe, labelled: Labelled, progress: Progress | None
) -> Result:
    started = monotonic()
    shutil.rmtree(site.output, ignore_errors=True)  # of a run that was killed while it wrote its files
    train_adapter(
        labelled.examples,
        site,
        recipe,
        prepare_tokenizer(AutoTokenizer.from_pretrained(site.base)),
        device=plan.device,
        quantization=training_quantization(plan.bank),
        resume=plan.resume,
        report_to=plan.report_to,
        progress=progress,
    )
    place = _put(plan, task, site.output)
    return Result(task, place, sha256_of(place / ADAPTER_FILES[1]), read_record(place), monotonic() - started)


def _put(plan: TrainingPlan, task: str, staged: Path) -> Path:
    if plan.output is None:
        return put_adapter(plan.bank, task, staged, lock=plan.work / "bank.lock").adapter(task).path or staged
    place = plan.output / task
    shutil.rmtree(place, ignore_errors=True)
    os.replace(staged, place)
    return place


def work_folder(bank: Bank, cache_dir: Path) -> Path:
    """One per bank, wherever it lies."""
    digest = hashlib.sha256(str(bank.folder.resolve()).encode()).hexdigest()[:12]
    return cache_dir / "training" / f"{bank.name}-{digest}"
