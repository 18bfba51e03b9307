"""The order of the layers and the homes of the heavy libraries, read from the imports themselves."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# A part may import what stands in a line above its own, and itself.
LAYERS = (
    ("errors",),
    ("types", "config", "heap", "files"),
    ("tasks", "routing", "merging", "scores"),
    ("bank",),
    ("retrieval", "inference"),
    ("indexing", "lineup", "trial"),
    ("pipeline", "serialize"),
    ("__init__",),
    ("training", "evaluation", "space"),
    ("ui", "reports"),
    ("cli",),
    ("__main__",),
    ("app",),
)
LAYER_OF = {part: number for number, parts in enumerate(LAYERS) for part in parts}

HOMES = {
    "gradio": ("ui", "app"),
    "plotly": ("ui", "app"),
    "chromadb": ("retrieval",),
    "datasets": ("tasks", "retrieval.build"),
    "peft": ("training", "bank"),
    "transformers": ("inference", "training"),
    "tokenizers": ("inference", "training"),
    "gguf": ("inference", "training"),
    "bitsandbytes": ("inference",),
    "sentence_transformers": ("retrieval",),
    "sklearn": ("retrieval", "routing"),
    "nevergrad": ("routing",),
    "yaml": ("space",),
}
"""Library to the only modules that may import it; a module stands for all below it."""

LIGHT = ("errors", "types", "config", "tasks", "routing", "scores", "serialize")
"""These parts are values and rules on values: they must load without torch."""

Imports = dict[str, list[tuple[int, str]]]
"""Module, without the leading "composer.", to (line, what it imports) in full names."""


def read_imports(root: Path) -> Imports:
    """Of every file of the package and of app.py, also imports within functions and for type checking."""
    files = sorted((root / "composer").rglob("*.py"))
    known = {name_of(path, root) for path in files}
    app = root / "app.py"
    return {
        name_of(path, root): list(imported(path, root, known)) for path in [*files, *([app] if app.exists() else [])]
    }


def name_of(path: Path, root: Path) -> str:
    parts = list(path.relative_to(root).with_suffix("").parts)
    parts = parts[1:] if parts[0] == "composer" else parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


def imported(path: Path, root: Path, known: set[str]) -> Iterator[tuple[int, str]]:
    package = path.relative_to(root).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1]] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                # `from composer import tasks` names a part, `from composer import Query` the facade
                below = f"{module}.{alias.name}"
                yield node.lineno, below if below.removeprefix("composer.") in known else module


def violations(imports: Imports) -> list[str]:
    return [
        f"{module}, line {line}: {fault}"
        for module, found in imports.items()
        for line, target in found
        for fault in [fault_of(module, target)]
        if fault
    ]


def fault_of(module: str, target: str) -> str | None:
    part, library = module.split(".")[0], target.split(".")[0]
    if part not in LAYER_OF:
        return f"the part {part!r} stands in no layer"
    if library == "composer":
        return wrong_direction(part, (target.split(".") + ["__init__"])[1])
    if library == "torch" and part in LIGHT:
        return "torch has no place among plain values"
    homes = HOMES.get(library)
    if homes and not any(module == home or module.startswith(f"{home}.") for home in homes):
        return f"{library} is imported outside of {', '.join(homes)}"
    return None


def wrong_direction(part: str, other: str) -> str | None:
    if other not in LAYER_OF:
        return f"the part {other!r} stands in no layer"
    # The facade may point to its own layer's Composer; the values share a layer and do not know each other.
    if part != other and LAYER_OF[part] <= LAYER_OF[other]:
        return f"composer.{other} does not stand below it"
    return None


def test_imports_run_one_way_and_libraries_stay_at_home():
    assert violations(read_imports(ROOT)) == []


def test_every_part_of_the_package_is_read():
    parts = {
        path.stem for path in (ROOT / "composer").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert {module.split(".")[0] for module in read_imports(ROOT)} - {"app"} == parts


@pytest.mark.parametrize(
    ("file", "source", "fault"),
    [
        (
            "composer/tasks/a.py",
            "from composer.retrieval.index import SearchIndex",
            "composer.retrieval does not stand",
        ),
        ("composer/tasks/a.py", "def f():\n    from composer.ui import page", "composer.ui does not stand below it"),
        ("composer/bank/a.py", "from composer import inference", "composer.inference does not stand below it"),
        ("composer/bank/a.py", "from composer import Composer", "composer.__init__ does not stand below it"),
        ("composer/bank/a.py", "from ..pipeline import Composer", "composer.pipeline does not stand below it"),
        ("composer/errors.py", "import composer.types", "composer.types does not stand below it"),
        ("composer/evaluation/a.py", "import composer.training.recipe", "composer.training does not stand below it"),
        ("composer/cli/serving.py", "import gradio as gr", "gradio is imported outside of ui, app"),
        ("composer/pipeline.py", "from chromadb.config import Settings", "chromadb is imported outside of retrieval"),
        ("composer/retrieval/index.py", "import datasets", "datasets is imported outside of tasks, retrieval.build"),
        ("composer/merging/a.py", "from peft import LoraConfig", "peft is imported outside of training, bank"),
        ("composer/bank/a.py", "import transformers", "transformers is imported outside of inference, training"),
        ("composer/routing/a.py", "from torch import Tensor", "torch has no place among plain values"),
        ("composer/serialize.py", "import torch", "torch has no place among plain values"),
        ("composer/bank/a.py", "from composer.retrieval import encoder", "composer.retrieval does not stand below it"),
        ("composer/bank/sources.py", "from gguf import GGUFReader", "gguf is imported outside of inference, training"),
        ("composer/inference/a.py", "import composer.pipeline", "composer.pipeline does not stand below it"),
        ("composer/novelty.py", "import json", "the part 'novelty' stands in no layer"),
        ("app.py", "import chromadb", "chromadb is imported outside of retrieval"),
    ],
)
def test_a_planted_violation_is_found(tmp_path, file, source, fault):
    for other in ("inference/__init__.py", "retrieval/encoder.py", "ui/__init__.py", file.removeprefix("composer/")):
        path = tmp_path / ("" if other == "app.py" else "composer") / other
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / file).write_text(source)
    found = violations(read_imports(tmp_path))
    assert len(found) == 1
    assert fault in found[0]


def test_an_allowed_import_is_no_violation(tmp_path):
    for folder in ("tasks", "retrieval"):
        (tmp_path / "composer" / folder).mkdir(parents=True)
    (tmp_path / "composer/tasks/__init__.py").write_text("from .reading import SQUAD\nimport json\nimport datasets")
    (tmp_path / "composer/tasks/reading.py").write_text("from composer.types import Query\nfrom composer import errors")
    (tmp_path / "composer/errors.py").touch()
    (tmp_path / "composer/retrieval/build.py").write_text("import datasets, numpy\nfrom composer.tasks import SQUAD")
    assert violations(read_imports(tmp_path)) == []


def test_plain_values_tasks_and_routing_load_without_torch():
    loading = f"import sys; from composer import {', '.join(LIGHT)}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", loading], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("library", ["peft", "bitsandbytes", "composer.retrieval.encoder"])
def test_no_library_says_that_a_package_is_missing_that_nobody_needs(library: str):
    ended = subprocess.run(
        [sys.executable, "-c", f"import composer, {library}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
