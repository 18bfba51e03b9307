"""An index of files of one's own, from the command line: built, checked, asked, and refused where it does not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

LABELS = 3


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows of the small bank's two tasks and of one that it has no adapter for; one row is bad."""
    folder = tmp_path_factory.mktemp("rows")

    def write(task: str, rows: list[dict]) -> None:
        (folder / task).mkdir()
        (folder / task / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    pairs = [{"premise": f"Ann has {n} cats.", "hypothesis": "Ann has cats.", "label": n % LABELS} for n in range(12)]
    write("cb", [*pairs, {**pairs[0], "label": -1}])
    choices = {"choice1": "It got wet.", "choice2": "It sang.", "question": "effect"}
    write("copa", [{**choices, "premise": f"It rained for {n} days.", "label": 0} for n in range(12)])
    write("wnli", [{"sentence1": f"Tim saw {n} dogs.", "sentence2": "Dogs were seen.", "label": 1} for n in range(3)])
    write("notes", [{"text": "no task of ours"}])
    return folder


@pytest.fixture(scope="module")
def index(source: Path, small_bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from composer.cli import main

    folder = tmp_path_factory.mktemp("built") / "index"
    command = ["index", "build", "--source", source, "--output", folder, "--bank", small_bank, "--per-task", "10"]
    assert main([str(part) for part in command]) == 0
    return folder


def test_rows_become_an_index_of_the_tasks_that_the_bank_has_adapters_for(
    cli, source: Path, index: Path, small_bank: Path
):
    command = ("index", "build", "--source", source, "--output", index, "--bank", small_bank, "--per-task", "10")
    again = cli(*command, "--json")
    assert json.loads(again.out) == {
        "folder": str(index),
        "rows": 20,
        "tasks": {"cb": 10, "copa": 10},
        "left_out": json.loads(again.out)["left_out"],
    }
    assert "not read, as no task has such a name: notes" in again.err
    assert "Embedding" not in again.err
    checked = cli("index", "check", "--index", index, "--bank", small_bank, "--deep", "--json")
    assert json.loads(checked.out)["tasks"] == {"cb": 10, "copa": 10}


def test_of_two_sources_the_first_that_has_a_task_gives_its_rows(cli, source: Path, small_bank: Path, tmp_path: Path):
    (tmp_path / "mine" / "cb").mkdir(parents=True)
    mine = {"premise": "Mine.", "hypothesis": "Yours.", "label": 0}
    (tmp_path / "mine" / "cb" / "train.jsonl").write_text(json.dumps(mine))
    sources = ("--source", tmp_path / "mine", "--source", source)
    built = cli("index", "build", *sources, "--output", tmp_path / "i", "--bank", small_bank, "--json")
    assert json.loads(built.out)["tasks"] == {"cb": 1, "copa": 12}
    assert "not read, as no task has such a name: notes" in built.err


def test_a_question_is_answered_from_that_index(cli, index: Path, small_bank: Path):
    asked = ("--query", "It rained for a week.", "--option", "It got wet.", "--option", "It sang.", "--method", "cat")
    trace = json.loads(cli("predict", *asked, "--bank", small_bank, "--index", index, "--json").out)
    assert len(trace["neighbours"]) == 20
    assert trace["neighbours"][0]["task"] == "copa"
    assert "It rained for" in trace["neighbours"][0]["text"]


def test_bad_rows_are_named_and_left_out_or_refused(cli, refused, source: Path, small_bank: Path, tmp_path: Path):
    command = ("index", "build", "--source", source, "--output", tmp_path / "i", "--bank", small_bank, "--tasks", "cb")
    built = cli(*command, "--json")
    assert json.loads(built.out)["left_out"] == 1
    assert "left out: cb/train.jsonl, line 13: column 'label' is -1" in built.err
    ended = cli(*command, "--bad-rows", "refuse", "--force")
    assert ended.status == 1
    assert "composer: cb/train.jsonl, line 13: column 'label' is -1" in ended.err


def test_a_task_without_an_adapter_is_refused_before_anything_is_embedded(
    cli, refused, source: Path, small_bank: Path, tmp_path: Path
):
    command = ("index", "build", "--source", source, "--output", tmp_path / "i", "--bank", small_bank)
    refused(cli(*command, "--tasks", "cb,wnli"), "unknown adapter.*'wnli'")
    assert not (tmp_path / "i").exists()


def test_a_task_that_is_named_twice_is_indexed_once(cli, source: Path, small_bank: Path, tmp_path: Path):
    command = ("index", "build", "--source", source, "--output", tmp_path / "i", "--bank", small_bank)
    assert json.loads(cli(*command, "--tasks", "cb,cb", "--json").out)["tasks"] == {"cb": 12}


def test_a_folder_of_other_things_is_left_as_it_is(cli, refused, source: Path, small_bank: Path, tmp_path: Path):
    (tmp_path / "chroma").mkdir()
    (tmp_path / "chroma" / "chroma.sqlite3").write_bytes(b"someone's own data base")
    rows = ("--source", source)
    for given in ((), ("--force",), rows, (*rows, "--force")):
        refused(cli("index", "build", "--bank", small_bank, "--output", tmp_path, *given), "holds no example index")
    assert [path.name for path in tmp_path.rglob("*")] == ["chroma", "chroma.sqlite3"]


def test_rows_are_indexed_while_an_adapter_is_still_to_be_trained(
    cli, refused, source: Path, copied_bank: Path, tmp_path: Path
):
    description = copied_bank / "bank.toml"
    text = description.read_text()
    description.unlink()
    description.write_text(text + '\n[adapters.wnli]\npath = "adapters/wnli"\ntrain = true\n')
    bank, place = ("--bank", copied_bank), tmp_path / "i"
    built = cli("index", "build", "--source", source, "--output", place, "--tasks", "wnli", *bank, "--json")
    assert json.loads(built.out)["tasks"] == {"wnli": 3}
    assert cli("index", "check", "--index", place, *bank).status == 0
    refused(cli("index", "build", *bank), "not trained yet: wnli")


def test_an_index_with_tasks_that_the_bank_cannot_answer_is_refused_by_name(
    cli, refused, source: Path, small_bank: Path, tmp_path: Path
):
    command = ("index", "build", "--source", source, "--output", tmp_path / "i", "--tasks", "cb,wnli")
    assert cli(*command).status == 0
    asked = ("predict", "--query", "a", "--option", "b", "--option", "c", "--index", tmp_path / "i")
    refused(
        cli(*asked, "--bank", small_bank), "holds examples of wnli, and the bank .* has no adapter of that name.*--only"
    )


def test_tasks_that_the_bank_cannot_answer_are_left_out_where_that_is_asked_for(
    cli, refused, source: Path, small_bank: Path, cache_dir: Path, tmp_path: Path
):
    from composer import Composer, Query

    place = tmp_path / "i"
    assert cli("index", "build", "--source", source, "--output", place, "--tasks", "cb,wnli").status == 0
    asked = ("predict", "--query", "a", "--option", "b", "--option", "c", "--index", place, "--bank", small_bank)
    answered = cli(*asked, "--only-bank-tasks", "--json")
    assert list(json.loads(answered.out)["weights"]["kept"]) == ["cb"]
    # paths as texts, as a notebook has them
    with closing(
        Composer.open(str(small_bank), index=str(place), cache_dir=str(cache_dir), device="cpu", only_bank_tasks=True)
    ) as composer:
        assert {near.task for near in composer.explain(Query("a", ("b", "c"))).neighbours} == {"cb"}
        assert set(composer.index.vectors().by_task) == {"cb"}
    only = ("index", "build", "--source", source, "--output", tmp_path / "w", "--tasks", "wnli")
    assert cli(*only).status == 0
    refused(cli(*asked[:-3], tmp_path / "w", *asked[-2:], "--only-bank-tasks"), "none of these tasks is to be kept")


def test_places_and_options_that_do_not_go_together_are_refused(
    cli, refused: Callable, source: Path, small_bank: Path, tmp_path: Path
):
    build = ("index", "build", "--bank", small_bank)
    refused(cli(*build, "--source", source), "need a place for their index: a folder with --output, or a --server")
    refused(cli(*build, "--tasks", "cb"), "--tasks chooses among rows of a --source, and none was named")
    refused(cli(*build, "--source", source, "--output", tmp_path / "i", "--tasks", ","), "--tasks names no task")
    refused(cli(*build, "--source", "x" * 300, "--output", tmp_path / "i"), "cannot be used .File name too long")
    refused(cli(*build, "--output", tmp_path, "--server", "http://localhost:1"), "a folder and a --server were named")
    refused(cli(*build, "--collection", "x"), "--collection names a part of a --server")
    refused(cli(*build, "--server", "localhost:8000"), "it must be http:// or https://")
    refused(cli(*build, "--source", tmp_path / "none", "--output", tmp_path), "there is no folder .*none")
    refused(cli("index", "check", "--index", tmp_path), "no finished example index")


def test_the_banks_own_examples_go_to_a_folder_of_choice(cli, small_bank: Path, tmp_path: Path):
    built = cli("index", "build", "--bank", small_bank, "--output", tmp_path / "own", "--json")
    assert json.loads(built.out) == {"folder": str(tmp_path / "own"), "rows": 12, "tasks": {"cb": 6, "copa": 6}}
    assert cli("index", "check", "--bank", small_bank, "--index", tmp_path / "own").status == 0
